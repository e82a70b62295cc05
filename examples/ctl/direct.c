// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/show.h"

struct direct {
	struct ebpfnet_ctx *ctx;
	struct ebpfnet_diag *diag;
	struct ebpfnet_datapath *dp;
};

int direct_open(const struct ctl *ctl, struct direct **ret)
{
	struct ebpfnet_datapath_opts opts = {
		EBPFNET_OPTS_INIT(opts),
		.name = ctl->name,
		.pin_dir = ctl->pin_dir,
		.flags = EBPFNET_DATAPATH_READONLY,
	};
	struct direct *d = calloc(1, sizeof(*d));
	char text[1024] = "";
	int err = d ? ebpfnet_diag_new(&d->diag) : -ENOMEM;

	if (!err)
		err = ebpfnet_ctx_new(NULL, &d->ctx);
	if (!err) {
		opts.diag = d->diag;
		err = ebpfnet_datapath_open(d->ctx, &opts, &d->dp);
	}
	if (!err) {
		*ret = d;
		return 0;
	}
	if (d && ebpfnet_diag_count(d->diag))
		ebpfnet_diag_format(d->diag, text, sizeof(text));
	fail("datapath \"%s\": %s", ctl->name, *text ? text : strerror(-err));
	direct_close(d);
	return 1;
}

void direct_close(struct direct *d)
{
	if (!d)
		return;
	ebpfnet_datapath_unref(d->dp);
	ebpfnet_ctx_unref(d->ctx);
	ebpfnet_diag_free(d->diag);
	free(d);
}

struct ebpfnet_datapath *direct_datapath(struct direct *d)
{
	return d->dp;
}

json_t *direct_ct(struct direct *d, const struct ebpfnet_ct_filter *filter)
{
	json_t *list = json_array();
	struct ebpfnet_ct_entry entry;
	struct ebpfnet_ct_iter *it;

	if (!list || ebpfnet_ct_iter_new(d->dp, filter, &it) < 0) {
		json_decref(list);
		return NULL;
	}
	while (ebpfnet_ct_iter_next(it, &entry, sizeof(entry)) == 1)
		json_array_append_new(list, show_ct(&entry));
	ebpfnet_ct_iter_free(it);
	return list;
}

static int add_endpoint(struct ebpfnet_endpoint *ep, void *userdata)
{
	return json_array_append_new(userdata, show_endpoint(ep)) ? -ENOMEM : 0;
}

json_t *direct_endpoints(struct direct *d)
{
	json_t *list = json_array();

	if (list && ebpfnet_endpoint_foreach(d->dp, add_endpoint, list) >= 0)
		return list;
	json_decref(list);
	return NULL;
}

static int add_identity(uint32_t identity, const char *labels, uint32_t refs, void *userdata)
{
	return json_array_append_new(userdata, show_identity(identity, labels, refs)) ? -ENOMEM : 0;
}

json_t *direct_identities(struct direct *d)
{
	json_t *list = json_array();

	if (list && ebpfnet_identity_foreach(d->dp, add_identity, list) >= 0)
		return list;
	json_decref(list);
	return NULL;
}

bool use_tables(struct ctl *ctl)
{
	int err;

	if (ctl->direct)
		return true;
	err = client_open(ctl);
	/* Somebody who may not talk to the agent may not read its tables either: let the call say so. */
	return err == -ENOENT || err == -ECONNREFUSED;
}
