// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* One packet after the other: run, compared with before, printed. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>

#include "../common/show.h"
#include "sim.h"

/* A packet can grow by what it is put into. */
#define GROWTH 256u

/* ---- flows before and behind ---- */

static int by_key(const void *a, const void *b)
{
	const struct ebpfnet_ct_entry *x = a, *y = b;
	int c = memcmp(&x->src, &y->src, sizeof(x->src));

	if (!c)
		c = memcmp(&x->dst, &y->dst, sizeof(x->dst));
	if (!c)
		c = x->protocol - y->protocol;
	if (!c)
		c = x->sport - y->sport;
	if (!c)
		c = x->dport - y->dport;
	return c ? c : x->zone - y->zone;
}

/* Sorted. 0 or -errno. */
static int read_flows(struct sim *s, struct ebpfnet_ct_entry **ret, size_t *ret_n)
{
	struct ebpfnet_ct_entry *v = NULL, *more, e;
	struct ebpfnet_ct_iter *it;
	size_t n = 0, room = 0;
	int err = ebpfnet_ct_iter_new(s->a.dp, NULL, &it);

	while (!err && ebpfnet_ct_iter_next(it, &e, sizeof(e)) == 1) {
		if (n == room) {
			room = room ? 2 * room : 64;
			more = realloc(v, room * sizeof(*v));
			if (!more) {
				err = -ENOMEM;
				break;
			}
			v = more;
		}
		/* time passes for all of them */
		e.idle_ms = e.age_ms = 0;
		v[n++] = e;
	}
	ebpfnet_ct_iter_free(it);
	if (err) {
		free(v);
		return err;
	}
	if (n)
		qsort(v, n, sizeof(*v), by_key);
	*ret = v;
	*ret_n = n;
	return 0;
}

static void add_change(json_t *list, const char *change, const struct ebpfnet_ct_entry *e)
{
	json_array_append_new(list, json_pack("{s:s, s:o*}", "change", change, "flow", show_ct(e)));
}

/* What the packet changed; those behind become those before. NULL: they cannot be read. */
static json_t *compare_flows(struct sim *s)
{
	struct ebpfnet_ct_entry *now = NULL;
	size_t n = 0, i = 0, k = 0;
	json_t *list;

	if (read_flows(s, &now, &n) < 0)
		return NULL;
	list = json_array();
	while (i < s->n_flows || k < n) {
		int c = i == s->n_flows ? 1 : k == n ? -1 : by_key(&s->flows[i], &now[k]);

		if (c < 0) {
			add_change(list, "gone", &s->flows[i++]);
		} else if (c > 0) {
			add_change(list, "new", &now[k++]);
		} else {
			if (memcmp(&s->flows[i], &now[k], sizeof(*now)) != 0)
				add_change(list, "updated", &now[k]);
			i++;
			k++;
		}
	}
	free(s->flows);
	s->flows = now;
	s->n_flows = n;
	return list;
}

/* ---- what was counted and reported ---- */

/* The reason that was counted since the last call; NULL: none. */
static const char *counted(struct sim *s)
{
	struct ebpfnet_drop_stat now[SIM_REASONS];
	int n = ebpfnet_datapath_drops(s->a.dp, now, SIM_REASONS);
	const char *found = NULL;

	for (int i = 0; i < n && i < SIM_REASONS; i++) {
		uint64_t *was = &s->drops[now[i].reason % SIM_REASONS];

		if (now[i].packets > *was)
			found = ebpfnet_reason_name(now[i].reason);
		*was = now[i].packets;
	}
	return found;
}

static int on_event(const struct ebpfnet_event *event, void *userdata)
{
	struct ebpfnet_flow flow;
	struct sim *s = userdata;
	char text[4096];
	json_t *o;

	if (ebpfnet_flow_from_event(s->a.names, event, &flow, sizeof(flow)) < 0)
		return 0;
	o = json_object();
	if (ebpfnet_flow_to_text(&flow, text, sizeof(text)) > 0)
		json_object_set_new(o, "text", json_string(text));
	if (ebpfnet_flow_to_json(&flow, 0, text, sizeof(text)) > 0)
		json_object_set_new(o, "flow", json_loads(text, 0, NULL));
	json_array_append_new(s->reports, o);
	return 0;
}

/* ---- a packet ---- */

static const char *verdict_name(enum sim_where where, uint32_t action)
{
	if (where == SIM_XDP) {
		switch (action) {
		case XDP_PASS:
			return "passed";
		case XDP_TX:
			return "sent back";
		case XDP_REDIRECT:
			return "redirected";
		default:
			return "dropped";
		}
	}
	switch ((int)action) {
	case TC_ACT_OK:
	case TC_ACT_UNSPEC:
		return "passed";
	case TC_ACT_REDIRECT:
		return "redirected";
	default:
		return "dropped";
	}
}

static json_t *hex(const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * len + 1);
	json_t *o;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[data[i] >> 4];
		text[2 * i + 1] = digits[data[i] & 15];
	}
	o = json_stringn(text, 2 * len);
	free(text);
	return o;
}

static void print(struct sim *s, const json_t *result)
{
	if (!s->o.json) {
		sim_text(result, stdout);
		return;
	}
	json_dumpf(result, stdout, JSON_COMPACT);
	putchar('\n');
}

static int write_packet(struct sim *s, const struct captured *in, uint8_t *data, size_t len, const json_t *result)
{
	struct captured p = { .data = data, .len = (uint32_t)len, .time_ns = in->time_ns };
	const char *reason = json_string_value(json_object_get(result, "reason"));
	char comment[256];

	if (!s->out)
		return 0;
	snprintf(comment, sizeof(comment), "packet %lld %s%s%s", json_integer_value(json_object_get(result, "number")),
		 json_string_value(json_object_get(result, "verdict")), reason ? ": " : "", reason ? reason : "");
	return capture_put(s->out, &p, comment) < 0 ? sim_say("%s: %s", s->o.out, strerror(errno)) : 0;
}

/* The packet was run; buf is what it became. */
static int tell(struct sim *s, const struct captured *in, const uint8_t *buf, const struct ebpfnet_run_result *r,
		json_t *result)
{
	const char *reason = counted(s);
	json_t *as, *flows = compare_flows(s);

	if (!flows || ebpfnet_events_dispatch(s->events, 0) < 0) {
		json_decref(flows);
		return sim_say("the datapath's flows and events cannot be read");
	}
	json_object_set_new(result, "verdict", json_string(verdict_name(s->o.where, r->action)));
	json_object_set_new(result, "action", json_integer((int32_t)r->action));
	if (reason)
		json_object_set_new(result, "reason", json_string(reason));
	if (r->len != in->len || memcmp(buf, in->data, in->len) != 0) {
		as = sim_describe(buf, r->len);
		json_object_set_new(as, "data", hex(buf, r->len));
		json_object_set_new(result, "rewritten", as);
	}
	json_object_set(result, "events", s->reports);
	json_object_set_new(result, "flows", flows);
	return 0;
}

static bool dropped(const json_t *result)
{
	return !strcmp(json_string_value(json_object_get(result, "verdict")), "dropped");
}

/* Packets that the kernel refuses are said to be so, and the next one may be better; whatever else goes wrong ends it. */
static int run(struct sim *s, const struct captured *in, uint8_t *buf, size_t size, json_t *result)
{
	struct ebpfnet_run_opts opts = {
		EBPFNET_OPTS_INIT(opts), .device = s->device, .packet = in->data, .len = in->len, .diag = s->a.diag,
		.hook = s->o.where == SIM_XDP ? EBPFNET_HOOK_XDP : s->o.outwards ? EBPFNET_HOOK_OUT : EBPFNET_HOOK_IN,
	};
	struct ebpfnet_run_result r;
	int err, status;

	json_decref(s->reports);
	s->reports = json_array();
	ebpfnet_diag_clear(s->a.diag);
	err = ebpfnet_datapath_run(s->a.dp, &opts, buf, size, &r, sizeof(r));
	if (err == -EINVAL) {
		json_object_set_new(result, "verdict", json_string("not run"));
		json_object_set_new(result, "reason", json_string(in->len < 14 ? "shorter than an Ethernet header" :
									       "the kernel refuses it"));
		print(s, result);
		return 0;
	}
	if (err < 0)
		return sim_failed(s, s->device, err);
	if (r.len > size)
		return sim_say("packet %lld: %zu bytes longer than it was", json_integer_value(json_object_get(result, "number")),
			       r.len - in->len);
	status = tell(s, in, buf, &r, result);
	if (status)
		return status;
	print(s, result);
	return dropped(result) ? 0 : write_packet(s, in, buf, r.len, result);
}

static int one_packet(struct sim *s, size_t i)
{
	const struct captured *in = &s->in.packets[i];
	size_t size = in->len + GROWTH;
	uint8_t *buf = malloc(size);
	json_t *result;
	int status;

	result = json_pack("{s:I, s:o}", "number", (json_int_t)i + 1, "packet", sim_describe(in->data, in->len));
	status = buf && result ? run(s, in, buf, size, result) : sim_say("%s", strerror(ENOMEM));
	json_decref(result);
	free(buf);
	return status;
}

int sim_packets(struct sim *s)
{
	struct ebpfnet_events_opts opts = { EBPFNET_OPTS_INIT(opts) };
	int status = 0, err;

	err = ebpfnet_events_open(s->a.dp, &opts, on_event, s, &s->events);
	if (!err)
		err = read_flows(s, &s->flows, &s->n_flows);
	if (err < 0)
		return sim_say("the datapath: %s", strerror(-err));
	counted(s);
	for (size_t i = 0; !status && i < s->in.n; i++)
		status = one_packet(s, i);
	if (fflush(stdout) || ferror(stdout))
		return sim_say("standard output: %s", strerror(errno));
	return status;
}
