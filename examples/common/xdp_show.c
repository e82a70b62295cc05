// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "xdp_show.h"

#include <string.h>

static int add_device(const struct ebpfnet_xdp_info *info, void *userdata)
{
	json_t *o = json_pack("{s:s, s:s, s:I}", "device", info->device, "mode",
			      info->mode == EBPFNET_XDP_GENERIC ? "generic" : "native", "program_id",
			      (json_int_t)info->program_id);

	return json_array_append_new(userdata, o) ? -1 : 0;
}

static void add_addr(json_t *o, const char *key, const struct ebpfnet_addr *addr)
{
	char text[EBPFNET_ADDR_STRLEN];

	ebpfnet_addr_format(addr, text, sizeof(text));
	json_object_set_new(o, key, json_string(text));
}

json_t *xdp_show(struct ebpfnet_datapath *dp)
{
	json_t *devices = json_array(), *o = json_pack("{s:o}", "devices", devices);
	struct ebpfnet_xdp_stats st;
	size_t i;

	if (!o || ebpfnet_xdp_foreach(dp, add_device, devices) < 0) {
		json_decref(o);
		return NULL;
	}
	if (ebpfnet_xdp_stats(dp, &st, sizeof(st)) < 0)
		return o;
	const struct {
		const char *key;
		uint64_t value;
	} counts[] = {
		{ "connections_max", st.connections_max }, { "connections", st.connections }, { "unrecorded", st.unrecorded },
		{ "checked", st.checked }, { "echoes", st.echoes }, { "errors", st.errors }, { "too_big", st.too_big },
		{ "stack", st.stack }, { "local", st.local },
	};

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_object_set_new(o, counts[i].key, json_integer((json_int_t)counts[i].value));
	add_addr(o, "source4", &st.source4);
	add_addr(o, "source6", &st.source6);
	return o;
}

struct search {
	struct ebpfnet_datapath *dp;
	const char *name;
	json_t *found;
};

static void add_backend(struct search *y, const struct ebpfnet_backend *b, json_t *list)
{
	struct ebpfnet_xdp_backend_stats st;
	json_t *o;

	if (ebpfnet_xdp_backend_stats(y->dp, b, &st, sizeof(st)) < 0)
		return;
	o = json_pack("{s:i, s:I, s:I, s:I}", "port", (int)b->port, "packets", (json_int_t)st.packets, "bytes",
		      (json_int_t)st.bytes, "connections", (json_int_t)st.connections);
	add_addr(o, "address", &b->addr);
	json_array_append_new(list, o);
}

static int find(const struct ebpfnet_service_opts *s, const struct ebpfnet_service_stats *stats, void *userdata)
{
	struct ebpfnet_xdp_service_stats st;
	struct search *y = userdata;
	json_t *backends;

	(void)stats;
	if (strcmp(s->name, y->name))
		return 0;
	if (ebpfnet_xdp_service_stats(y->dp, y->name, &st, sizeof(st)) < 0)
		return 1;
	backends = json_array();
	y->found = json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "name", s->name, "packets", (json_int_t)st.packets, "bytes",
			     (json_int_t)st.bytes, "flows", (json_int_t)st.flows, "drops", (json_int_t)st.drops, "backends",
			     backends);
	for (size_t i = 0; y->found && i < s->n_backends; i++)
		add_backend(y, &s->backends[i], backends);
	return 1;
}

json_t *xdp_show_service(struct ebpfnet_datapath *dp, const char *name)
{
	struct search y = { .dp = dp, .name = name };

	ebpfnet_service_foreach(dp, find, &y);
	return y.found;
}
