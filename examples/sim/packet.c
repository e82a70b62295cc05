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
#define REASONS 128

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

/* What the packet changed; those behind become those before. */
static json_t *compare_flows(struct sim *s)
{
	struct ebpfnet_ct_entry *now = NULL;
	json_t *list = json_array();
	size_t n = 0, i = 0, k = 0;

	if (read_flows(s, &now, &n) < 0)
		return list;
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

struct drops {
	struct ebpfnet_drop_stat v[REASONS];
	int n;
};

static void read_drops(struct sim *s, struct drops *d)
{
	d->n = ebpfnet_datapath_drops(s->a.dp, d->v, REASONS);
	if (d->n > REASONS)
		d->n = REASONS;
}

/* The reason that was counted since; NULL: none. */
static const char *counted(const struct drops *before, const struct drops *now)
{
	for (int i = 0; i < now->n; i++) {
		uint64_t was = 0;

		for (int k = 0; k < before->n; k++)
			if (before->v[k].reason == now->v[i].reason)
				was = before->v[k].packets;
		if (now->v[i].packets > was)
			return ebpfnet_reason_name(now->v[i].reason);
	}
	return NULL;
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

static int one_packet(struct sim *s, size_t i)
{
	const struct captured *in = &s->in.packets[i];
	struct ebpfnet_run_opts opts = {
		EBPFNET_OPTS_INIT(opts), .device = s->device, .packet = in->data, .len = in->len, .diag = s->a.diag,
		.hook = s->o.where == SIM_XDP ? EBPFNET_HOOK_XDP : s->o.outwards ? EBPFNET_HOOK_OUT : EBPFNET_HOOK_IN,
	};
	size_t size = in->len + GROWTH;
	struct ebpfnet_run_result r;
	struct drops before, now;
	uint8_t *buf = malloc(size);
	const char *reason;
	json_t *result;
	int status = 0, err;

	if (!buf)
		return sim_say("%s", strerror(ENOMEM));
	json_decref(s->reports);
	s->reports = json_array();
	ebpfnet_diag_clear(s->a.diag);
	read_drops(s, &before);
	err = ebpfnet_datapath_run(s->a.dp, &opts, buf, size, &r, sizeof(r));
	result = json_pack("{s:I, s:o}", "number", (json_int_t)i + 1, "packet", sim_describe(in->data, in->len));
	if (err < 0) {
		/* the kernel looks at packets, too; the next one may be better */
		json_object_set_new(result, "verdict", json_string("not run"));
		json_object_set_new(result, "reason", json_string(in->len < 14 ? "shorter than an Ethernet header" :
									       strerror(-err)));
		print(s, result);
		json_decref(result);
		free(buf);
		return 0;
	}
	read_drops(s, &now);
	ebpfnet_events_dispatch(s->events, 0);
	if (r.len > size)
		r.len = size;
	json_object_set_new(result, "verdict", json_string(verdict_name(s->o.where, r.action)));
	json_object_set_new(result, "action", json_integer((int32_t)r.action));
	reason = counted(&before, &now);
	if (reason)
		json_object_set_new(result, "reason", json_string(reason));
	if (r.len != in->len || memcmp(buf, in->data, in->len) != 0) {
		json_t *as = sim_describe(buf, r.len);

		json_object_set_new(as, "data", hex(buf, r.len));
		json_object_set_new(result, "rewritten", as);
	}
	json_object_set(result, "events", s->reports);
	json_object_set_new(result, "flows", compare_flows(s));
	print(s, result);
	if (strcmp(verdict_name(s->o.where, r.action), "dropped") != 0)
		status = write_packet(s, in, buf, r.len, result);
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
	for (size_t i = 0; !status && i < s->in.n; i++)
		status = one_packet(s, i);
	if (fflush(stdout) || ferror(stdout))
		return sim_say("standard output: %s", strerror(errno));
	return status;
}
