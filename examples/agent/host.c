// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The host as an endpoint: as the file has it, and its addresses as the kernel has them. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "../common/filter.h"
#include "../common/show.h"
#include "agent.h"
#include "control.h"
#include "host.h"

/* ---- reading */

static int add_safe(struct host_read *ret, const struct ebpfnet_host_safe *s)
{
	if (ret->opts.n_safe == EBPFNET_HOST_SAFE_MAX) {
		ret->why = "safe: more than 60 prefixes";
		return -EINVAL;
	}
	ret->safe[ret->opts.n_safe++] = *s;
	return 0;
}

static int read_ports(const char *text, struct ebpfnet_host_safe *s)
{
	unsigned int min, max;
	char end;
	int n = sscanf(text, "%5u-%5u%c", &min, &max, &end);

	if (n == 1 && sscanf(text, "%5u%c", &min, &end) == 1)
		max = min;
	else if (n != 2)
		return -EINVAL;
	if (!min || min > max || max > 65535)
		return -EINVAL;
	s->port_min = (uint16_t)min;
	s->port_max = (uint16_t)max;
	return 0;
}

static bool has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

int host_read_safe(const json_t *o, struct host_read *ret)
{
	const json_t *from = json_object_get(o, "from"), *to = json_object_get(o, "to"), *list = to ? to : from;
	const char *protocol = json_string_value(json_object_get(o, "protocol"));
	const char *ports = json_string_value(json_object_get(o, "ports"));
	struct ebpfnet_host_safe s = { .flags = to ? EBPFNET_SAFE_OUT : 0 };
	int n = protocol && strcmp(protocol, "any") != 0 ? protocol_number(protocol) : 0;
	size_t i;
	json_t *v;

	ret->why = "protocol: \"tcp\", \"udp\", \"sctp\", \"icmp\", \"icmpv6\", \"any\" or a number is expected";
	if (n < 0)
		return -EINVAL;
	s.protocol = (uint8_t)n;
	ret->why = "ports: \"PORT\" or \"MIN-MAX\" is expected, of TCP, UDP or SCTP";
	if (ports && (!has_ports(s.protocol) || read_ports(ports, &s) < 0))
		return -EINVAL;
	ret->why = "from or to: who calls is one of both";
	if (from && to)
		return -EINVAL;
	if (!list)
		return add_safe(ret, &s);
	ret->why = "from, to: at least one prefix is expected";
	if (!json_array_size(list))
		return -EINVAL;
	json_array_foreach((json_t *)list, i, v) {
		ret->why = "from, to: one is no prefix, or has bits behind its length";
		if (!json_is_string(v) || ebpfnet_prefix_parse(json_string_value(v), &s.peer) < 0)
			return -EINVAL;
		if (add_safe(ret, &s) < 0)
			return -EINVAL;
	}
	return 0;
}

int host_read(const json_t *o, struct host_read *ret)
{
	const json_t *safe = json_object_get(o, "safe");
	const char *labels = json_string_value(json_object_get(o, "labels"));
	size_t i;
	json_t *v;

	memset(ret, 0, sizeof(*ret));
	ret->opts.sz = sizeof(ret->opts);
	ret->opts.safe = ret->safe;
	ret->opts.flags = json_is_true(json_object_get(o, "audit")) ? EBPFNET_ENDPOINT_AUDIT : 0;
	json_array_foreach((json_t *)safe, i, v)
		if (host_read_safe(v, ret) < 0)
			return -EINVAL;
	ret->why = "labels: not labels";
	if (labels && ebpfnet_labels_parse(labels, NULL, NULL, &ret->labels) < 0)
		return -EINVAL;
	ret->opts.labels = ret->labels;
	ret->why = NULL;
	return 0;
}

void host_read_done(struct host_read *read)
{
	ebpfnet_labels_unref(read->labels);
	read->labels = NULL;
}

/* ---- applying */

static void say_failed(struct agent *a, int err)
{
	char text[256] = "";

	if (ebpfnet_diag_count(a->diag) && ebpfnet_diag_format(a->diag, text, sizeof(text)) > 0)
		text[strcspn(text, "\n")] = '\0';
	agent_log(EBPFNET_LOG_WARNING, "host: %s", *text ? text : strerror(-err));
}

void agent_host_apply(struct agent *a)
{
	struct host_read read;
	int err;

	a->host_waiting = false;
	if (!a->conf->host) {
		ebpfnet_host_clear(a->dp);
		return;
	}
	if (host_read(a->conf->host, &read) < 0)
		return;
	read.opts.diag = a->diag;
	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_host_set(a->dp, &read.opts);
	host_read_done(&read);
	if (err < 0) {
		say_failed(a, err);
		a->host_waiting = true;
	}
}

void agent_host_addresses(struct agent *a)
{
	int n;

	if (!a->dp || !a->conf || !a->conf->host)
		return;
	n = ebpfnet_host_refresh(a->dp);
	if (n > 0)
		agent_log(EBPFNET_LOG_DEBUG, "host: %d addresses came or went", n);
	if (n < 0 && n != -ENOENT) {
		agent_log(EBPFNET_LOG_WARNING, "host: its addresses cannot be kept up: %s", strerror(-n));
		a->host_waiting = true;
	}
}

/* ---- methods */

static json_t *safe_json(const struct ebpfnet_host_safe *s)
{
	char text[EBPFNET_PREFIX_STRLEN], ports[16], buf[8];
	static const struct ebpfnet_prefix anybody;
	json_t *o = json_pack("{s:s}", "protocol", s->protocol ? show_protocol(s->protocol, buf) : "any");

	if (s->port_min || s->port_max) {
		snprintf(ports, sizeof(ports), s->port_min == s->port_max ? "%u" : "%u-%u", s->port_min, s->port_max);
		json_object_set_new(o, "ports", json_string(ports));
	}
	if (memcmp(&s->peer, &anybody, sizeof(anybody)) != 0)
		ebpfnet_prefix_format(&s->peer, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "any");
	json_object_set_new(o, s->flags & EBPFNET_SAFE_OUT ? "to" : "from", json_string(text));
	json_object_set_new(o, "source", json_string(s->flags & EBPFNET_SAFE_OWN ? "overlay" : "file"));
	return o;
}

int method_host_get(struct call *call)
{
	struct ebpfnet_host_info info;
	json_t *safe;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	err = ebpfnet_host_get(call->agent->dp, &info, sizeof(info));
	if (err < 0)
		return call_error(call, err, NULL, err == -ENOENT ? "the host is no endpoint" : "the tables cannot be read");
	safe = json_array();
	for (uint32_t i = 0; i < info.n_safe; i++)
		json_array_append_new(safe, safe_json(&info.safe[i]));
	call->result = json_pack("{s:i, s:i, s:o}", "endpoint", info.endpoint, "addresses", (int)info.n_addresses, "safe",
				 safe);
	return call->result ? 0 : -ENOMEM;
}
