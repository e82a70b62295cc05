// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Methods that show what happens: identities, tracked flows, drops, events. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/show.h"
#include "agent.h"
#include "control.h"

struct portion {
	json_t *array;
	uint32_t from;
	uint32_t last;
	size_t n;
};

static int add_identity(uint32_t identity, const char *labels, uint32_t refs, void *userdata)
{
	struct portion *p = userdata;

	if (identity < p->from)
		return 0;
	if (p->n++ == CONTROL_CHUNK)
		return 1;
	p->last = identity;
	return json_array_append_new(p->array, show_identity(identity, labels, refs)) ? -ENOMEM : 0;
}

static int fill_identities(struct agent *a, struct stream *s, json_t *array)
{
	struct portion p = { .array = array, .from = (uint32_t)s->at };
	int more = ebpfnet_identity_foreach(a->dp, add_identity, &p);

	s->at = (size_t)p.last + 1;
	return more;
}

int method_identity_list(struct call *call)
{
	return call_list(call, "identities", fill_identities);
}

static int fill_ct(struct agent *a, struct stream *s, json_t *array)
{
	struct ebpfnet_ct_entry entry;

	(void)a;
	for (int i = 0; i < CONTROL_CHUNK; i++) {
		int r = s->left ? ebpfnet_ct_iter_next(s->ct, &entry, sizeof(entry)) : 0;

		if (r <= 0)
			return r;
		s->left--;
		if (json_array_append_new(array, show_ct(&entry)))
			return -ENOMEM;
	}
	return 1;
}

int method_ct_list(struct call *call)
{
	struct ebpfnet_ct_filter filter;
	struct ebpfnet_ct_iter *ct;
	uint64_t limit = UINT32_MAX;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_ct_filter(call, &filter);
	if (!err)
		err = param_number(call, "limit", UINT32_MAX, &limit);
	if (err < 0)
		return err;
	err = ebpfnet_ct_iter_new(call->agent->dp, &filter, &ct);
	if (err < 0)
		return call_error(call, err, NULL, "%s", strerror(-err));
	err = call_list(call, "flows", fill_ct);
	if (err < 0) {
		ebpfnet_ct_iter_free(ct);
		return err;
	}
	/* call_list() put it first. */
	conn_streams(call->conn)->ct = ct;
	conn_streams(call->conn)->left = limit;
	return 0;
}

int method_ct_flush(struct call *call)
{
	struct ebpfnet_ct_filter filter;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_ct_filter(call, &filter);
	if (err < 0)
		return err;
	err = ebpfnet_ct_flush(call->agent->dp, &filter);
	if (err < 0)
		return call_error(call, err, NULL, "%s", strerror(-err));
	call->result = json_pack("{s:i}", "deleted", err);
	return 0;
}

int method_drops(struct call *call)
{
	int err = call_needs_datapath(call);

	if (err < 0)
		return err;
	call->result = json_pack("{s:o}", "drops", show_drops(call->agent->dp));
	return call->result ? 0 : -ENOMEM;
}

int method_nat_list(struct call *call)
{
	int err = call_needs_datapath(call);
	json_t *list;

	if (err < 0)
		return err;
	list = show_nat(call->agent->dp);
	if (!list)
		return call_error(call, -EIO, NULL, "the rows of masquerade cannot be read");
	call->result = json_pack("{s:o}", "devices", list);
	return call->result ? 0 : -ENOMEM;
}

/* ---- observe */

static uint64_t oldest(const struct history *h)
{
	return h->count > h->size ? h->count - h->size : 0;
}

/* Does the recorded event number i pass the filter? */
static bool recorded(struct agent *a, const struct ebpfnet_flow_filter *filter, uint64_t i,
		     struct ebpfnet_flow *ret)
{
	return !ebpfnet_flow_from_event(a->names, &a->history.events[i % a->history.size], ret,
					sizeof(*ret)) &&
	       ebpfnet_flow_filter_match(filter, ret);
}

static int fill_history(struct agent *a, struct stream *s, json_t *array)
{
	uint64_t at = s->at < oldest(&a->history) ? oldest(&a->history) : s->at;

	while (at < a->history.count && json_array_size(array) < CONTROL_CHUNK) {
		struct ebpfnet_flow flow;
		char *body;

		if (!recorded(a, s->filter, at++, &flow))
			continue;
		body = control_flow_body(&flow, s->text);
		if (body)
			json_array_append_new(array, json_loads(body, JSON_DECODE_ANY, NULL));
		free(body);
	}
	s->at = at;
	return at < a->history.count;
}

/* Where to begin so that the last n events that pass the filter come. */
static uint64_t begin_of_last(struct agent *a, const struct ebpfnet_flow_filter *filter, uint64_t n)
{
	struct ebpfnet_flow flow;
	uint64_t at = a->history.count;

	while (n && at > oldest(&a->history))
		n -= recorded(a, filter, --at, &flow);
	return at;
}

static int read_filter(struct call *call, struct ebpfnet_flow_filter **ret)
{
	struct agent *a = call->agent;
	const char *text = NULL;
	char message[512];
	int err = param_text(call, "filter", false, &text);

	if (err < 0 || !text || !*text)
		return err;
	ebpfnet_diag_clear(a->diag);
	err = ebpfnet_flow_filter_parse(text, a->diag, ret);
	if (err < 0) {
		ebpfnet_diag_format(a->diag, message, sizeof(message));
		return call_error(call, err, "filter", "%s",
				  ebpfnet_diag_count(a->diag) ? message : "not a filter");
	}
	return 0;
}

static void send_recorded(struct call *call, struct stream *s, uint64_t from)
{
	struct agent *a = call->agent;

	for (; from < a->history.count; from++) {
		struct ebpfnet_flow flow;
		char *body;

		if (!recorded(a, s->filter, from, &flow))
			continue;
		body = control_flow_body(&flow, s->text);
		if (body)
			conn_stream_text(call->conn, s, s->text ? "text" : "flow", body);
		free(body);
	}
}

struct observing {
	struct ebpfnet_flow_filter *filter;
	bool follow, text;
	uint64_t last;
};

static int start_observe(struct call *call, const struct observing *o)
{
	struct agent *a = call->agent;
	struct stream *s = conn_stream(call, o->follow ? STREAM_OBSERVE : STREAM_LIST);

	if (!s)
		return -EBUSY;
	s->at = a->history.size ? begin_of_last(a, o->filter, o->last) : a->history.count;
	s->filter = o->filter;
	s->text = o->text;
	s->member = o->text ? "texts" : "flows";
	s->fill = fill_history;
	if (!o->follow) {
		call->streaming = true;
		return 0;
	}
	if (a->history.size)
		send_recorded(call, s, s->at);
	call->result = json_pack("{s:b}", "following", 1);
	return 0;
}

static int read_format(struct call *call, bool *text)
{
	const char *format = "json";
	int err = param_text(call, "format", false, &format);

	if (err < 0)
		return err;
	*text = !strcmp(format, "text");
	if (!*text && strcmp(format, "json"))
		return call_error(call, -EINVAL, "format", "\"json\" or \"text\" is expected");
	return 0;
}

int method_observe(struct call *call)
{
	struct agent *a = call->agent;
	struct observing o = {};
	int err = call_needs_datapath(call);

	if (!err)
		err = param_bool(call, "follow", &o.follow);
	o.last = o.follow ? 0 : a->history.size;
	if (!err)
		err = param_number(call, "last", UINT32_MAX, &o.last);
	if (!err && !o.follow && !a->history.size)
		err = call_error(call, -EINVAL, "follow", "no history is kept: follow instead");
	if (!err)
		err = read_format(call, &o.text);
	if (!err)
		err = read_filter(call, &o.filter);
	if (err < 0)
		return err;
	/* What happened until now belongs to the history, not to what is followed. */
	agent_events_dispatch(a);
	if (o.follow)
		err = agent_events_open(a);
	if (err < 0)
		err = call_error(call, err, NULL, "events cannot be read: %s", strerror(-err));
	else
		err = start_observe(call, &o);
	if (err < 0)
		ebpfnet_flow_filter_free(o.filter);
	return err;
}

int method_watch(struct call *call)
{
	if (!conn_stream(call, STREAM_WATCH))
		return -EBUSY;
	call->result = json_pack("{s:b}", "watching", 1);
	return 0;
}

int method_cancel(struct call *call)
{
	json_t *id = json_object_get(call->params, "id");

	if (!id)
		return call_error(call, -EINVAL, "id", "\"id\" is missing");
	if (!conn_cancel(call->conn, id))
		return call_error(call, -ENOENT, "id", "no such stream");
	agent_events_update(call->agent);
	return 0;
}
