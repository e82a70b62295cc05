// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The balancer on node devices: "xdp" of the node, and what is to be known of it. */
#include "agent.h"

#include <errno.h>
#include <string.h>

#include "../common/xdp_show.h"
#include "control.h"

void agent_xdp_apply(struct agent *a, const struct conf *old)
{
	const json_t *now = a->conf->node.xdp, *was = old ? old->node.xdp : NULL;
	size_t waiting = 0;

	for (size_t i = 0; i < json_array_size(was); i++) {
		const char *device = json_string_value(json_array_get(was, i));
		int err = agent_listed(now, device) ? 0 : ebpfnet_xdp_detach(a->dp, device);

		if (err < 0 && err != -ENOENT && err != -ENODEV)
			agent_log(EBPFNET_LOG_WARNING, "device %s: %s", device, strerror(-err));
	}
	for (size_t i = 0; i < json_array_size(now); i++) {
		const char *device = json_string_value(json_array_get(now, i));
		char text[512];
		int err;

		ebpfnet_diag_clear(a->diag);
		err = ebpfnet_xdp_attach(a->dp, device, NULL, a->diag);
		if (err >= 0)
			continue;
		waiting++;
		/* one that is still not there is not news */
		if (a->xdp_waiting)
			continue;
		if (!ebpfnet_diag_count(a->diag) || ebpfnet_diag_format(a->diag, text, sizeof(text)) < 0)
			snprintf(text, sizeof(text), "%s", strerror(-err));
		agent_log(EBPFNET_LOG_WARNING, "device %s has no balancer: %s", device, text);
	}
	a->xdp_waiting = waiting;
}

int method_service_xdp(struct call *call)
{
	const char *name = NULL;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_text(call, "name", false, &name);
	if (err < 0)
		return err;
	call->result = name ? xdp_show_service(call->agent->dp, name) : xdp_show(call->agent->dp);
	if (call->result)
		return 0;
	return name ? call_error(call, -ENOENT, "name", "no service \"%s\", or no device has the balancer", name) :
		      call_error(call, -EIO, NULL, "the tables cannot be read");
}
