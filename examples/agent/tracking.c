// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Methods on tracked flows beyond listing: one flow, counts, pressure, limits, import. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/filter.h"
#include "../common/show.h"
#include "../common/tracking.h"
#include "agent.h"
#include "control.h"

static int read_tuple(struct call *call, struct ebpfnet_ct_tuple *ret)
{
	const char *key = NULL;
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	if (ct_tuple_read(call->params, ret, &key) < 0)
		return call_error(call, -EINVAL, key, "missing, or not a value for \"%s\"", key);
	return 0;
}

static int no_flow(struct call *call, int err)
{
	return call_error(call, err, NULL, "%s", err == -ENOENT ? "no such flow" : strerror(-err));
}

int method_ct_get(struct call *call)
{
	struct ebpfnet_ct_tuple tuple;
	struct ebpfnet_ct_entry entry;
	int err = read_tuple(call, &tuple);

	if (err < 0)
		return err;
	err = ebpfnet_ct_lookup(call->agent->dp, &tuple, &entry, sizeof(entry));
	if (err < 0)
		return no_flow(call, err);
	call->result = show_ct(&entry);
	return call->result ? 0 : -ENOMEM;
}

int method_ct_delete(struct call *call)
{
	struct ebpfnet_ct_tuple tuple;
	int err = read_tuple(call, &tuple);

	if (err < 0)
		return err;
	err = ebpfnet_ct_delete(call->agent->dp, &tuple);
	if (err < 0)
		return no_flow(call, err);
	call->result = json_pack("{s:i}", "deleted", 1);
	return 0;
}

int method_ct_count(struct call *call)
{
	struct ebpfnet_ct_filter filter;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_ct_filter(call, &filter);
	if (err < 0)
		return err;
	call->result = show_ct_counts(call->agent->dp, &filter);
	return call->result ? 0 : call_error(call, -EINVAL, NULL, "not a filter");
}

int method_ct_stats(struct call *call)
{
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	call->result = show_ct_pressure(call->agent->dp);
	return call->result ? 0 : -ENOMEM;
}

int method_ct_config(struct call *call)
{
	struct ebpfnet_ct_config c = { EBPFNET_OPTS_INIT(c) };
	struct agent *a = call->agent;
	bool midstream, cut;
	uint64_t n;
	int err = call_needs_datapath(call);

	if (!err)
		err = ebpfnet_ct_get_config(a->dp, &c);
	midstream = c.midstream;
	cut = c.cut;
	for (size_t i = 0; !err && ct_time_name(i); i++) {
		n = 0;
		err = param_number(call, ct_time_name(i), CT_SECONDS_MAX, &n);
		/* what is not asked for stays exactly as it is, ticks and all */
		*ct_time(&c, i) = (uint32_t)n;
	}
	if (!err)
		err = param_bool(call, "midstream", &midstream);
	if (!err)
		err = param_bool(call, "cut", &cut);
	n = c.quota_percent;
	if (!err)
		err = param_number(call, "quota_percent", 100, &n);
	if (err < 0)
		return err;
	c.quota_percent = (uint8_t)n;
	c.midstream = midstream;
	c.cut = cut;
	if (json_object_size(call->params)) {
		err = ebpfnet_ct_set_config(a->dp, &c);
		if (err < 0)
			return call_error(call, err, NULL, "%s", strerror(-err));
		control_changed(a, "tracking", "", "update");
	}
	call->result = show_ct_config(a->dp);
	return call->result ? 0 : -ENOMEM;
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* Whole groups of four, padded. -EINVAL: not so. */
static int base64_decode(const char *text, size_t len, uint8_t *ret, size_t *ret_len)
{
	size_t pad = len >= 4 ? (text[len - 1] == '=') + (text[len - 2] == '=') : 0, n = 0;

	if (len % 4)
		return -EINVAL;
	for (size_t i = 0; i < len; i += 4) {
		size_t own = i + 4 == len ? pad : 0;
		uint32_t v = 0;

		for (size_t k = 0; k < 4; k++) {
			int d = k >= 4 - own ? 0 : base64_digit(text[i + k]);

			if (d < 0)
				return -EINVAL;
			v = v << 6 | (uint32_t)d;
		}
		for (size_t k = 0; k < 3 - own; k++)
			ret[n++] = (uint8_t)(v >> (16 - 8 * k));
	}
	*ret_len = n;
	return 0;
}

int method_ct_import(struct call *call)
{
	struct ebpfnet_ct_import_stats st;
	struct agent *a = call->agent;
	const char *text = NULL;
	char message[512] = "";
	uint8_t *data;
	size_t len;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_text(call, "data", true, &text);
	if (err < 0)
		return err;
	data = malloc(strlen(text) + 1);
	if (!data)
		return -ENOMEM;
	if (base64_decode(text, strlen(text), data, &len) < 0) {
		free(data);
		return call_error(call, -EINVAL, "data", "base64 is expected");
	}
	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_ct_import(a->dp, data, len, &st, sizeof(st), a->diag);
	free(data);
	if (err < 0) {
		if (ebpfnet_diag_count(a->diag))
			ebpfnet_diag_format(a->diag, message, sizeof(message));
		return call_error(call, err, "data", "%s", *message ? message : strerror(-err));
	}
	call->result = json_pack("{s:I, s:I, s:I, s:I, s:I}", "read", (json_int_t)st.read, "imported",
				 (json_int_t)st.imported, "present", (json_int_t)st.present, "expired",
				 (json_int_t)st.expired, "refused", (json_int_t)st.refused);
	return call->result ? 0 : -ENOMEM;
}
