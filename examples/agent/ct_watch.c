// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The stream of flows that come and go. Each has a watch of its own, which keeps a copy of the tables, so there are few. A
 * client that reads too slowly loses nothing: its watch waits until it has taken what it was sent.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/filter.h"
#include "../common/show.h"
#include "agent.h"
#include "control.h"

#define CT_WATCHES 4
#define CT_WATCH_MS 200
/* Events told at a time, so that others are served in between. */
#define CT_WATCH_EVENTS 256

struct ct_stream {
	struct ebpfnet_ct_watch *watch;
	struct conn *conn;	/* while it is dispatched */
	struct stream *stream;
	uint64_t missed;	/* as the client was told */
};

static int tell(const struct ebpfnet_ct_event *event, void *userdata)
{
	const char *name = ct_event_name(event->type);
	struct ct_stream *w = userdata;
	json_t *flow = show_ct(&event->entry), *o;
	struct timespec now;
	char *text;

	clock_gettime(CLOCK_REALTIME, &now);
	o = json_pack("{s:s, s:b, s:I, s:o}", "type", name, "late", !!(event->flags & EBPFNET_CT_EVENT_LATE), "time_ns",
		      (json_int_t)now.tv_sec * 1000000000 + now.tv_nsec, "flow", flow);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(o);
	if (!text)
		return -ENOMEM;
	conn_stream_text(w->conn, w->stream, "event", text);
	free(text);
	return conn_queued(w->conn) > CONTROL_STREAM_QUEUE / 2;
}

void ct_stream_free(struct ct_stream *w)
{
	if (!w)
		return;
	ebpfnet_ct_watch_free(w->watch);
	free(w);
}

int ct_stream_timeout(struct ct_stream *w)
{
	return ebpfnet_ct_watch_get_timeout(w->watch);
}

int ct_stream_run(struct conn *c, struct stream *s)
{
	struct ct_stream *w = s->watch;
	uint64_t missed;
	char number[24];
	int err;

	w->conn = c;
	w->stream = s;
	err = ebpfnet_ct_watch_dispatch(w->watch, CT_WATCH_EVENTS);
	if (err < 0)
		return err;
	missed = ebpfnet_ct_watch_missed(w->watch);
	if (missed == w->missed)
		return 0;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)missed);
	w->missed = missed;
	conn_stream_text(c, s, "missed", number);
	return 0;
}

/* The kinds of events that are asked for, as bits; none: new and destroyed ones. */
static int read_kinds(struct call *call, uint32_t *ret)
{
	const json_t *list = json_object_get(call->params, "events"), *item;
	size_t i;

	*ret = 0;
	if (!list)
		return 0;
	if (!json_is_array(list))
		return call_error(call, -EINVAL, "events", "an array is expected");
	json_array_foreach(list, i, item) {
		const char *name = json_string_value(item);
		uint32_t type = EBPFNET_CT_EVENT_NEW;

		while (name && type <= EBPFNET_CT_EVENT_DESTROY && strcmp(ct_event_name(type), name))
			type++;
		if (!name || type > EBPFNET_CT_EVENT_DESTROY)
			return call_error(call, -EINVAL, "events", "\"new\", \"update\" or \"destroy\" is expected");
		*ret |= 1u << type;
	}
	return 0;
}

int method_ct_watch(struct call *call)
{
	struct ebpfnet_ct_watch_opts opts = { EBPFNET_OPTS_INIT(opts), .interval_ms = CT_WATCH_MS };
	struct ebpfnet_ct_filter filter;
	struct ct_stream *w = NULL;
	bool existing = false;
	struct stream *s;
	int err = call_needs_datapath(call);

	if (!err)
		err = param_ct_filter(call, &filter);
	if (!err)
		err = param_bool(call, "existing", &existing);
	if (!err)
		err = read_kinds(call, &opts.kinds);
	if (!err && control_streams(call->agent, STREAM_CT) >= CT_WATCHES)
		err = call_error(call, -EBUSY, NULL, "more than %d watches of flows", CT_WATCHES);
	if (err < 0)
		return err;
	opts.filter = &filter;
	opts.existing = existing;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	err = ebpfnet_ct_watch_new(call->agent->dp, &opts, tell, w, &w->watch);
	if (err < 0) {
		free(w);
		return call_error(call, err, NULL, "%s", strerror(-err));
	}
	s = conn_stream(call, STREAM_CT);
	if (!s) {
		ct_stream_free(w);
		return -EBUSY;
	}
	s->watch = w;
	call->result = json_pack("{s:b}", "watching", 1);
	return call->result ? 0 : -ENOMEM;
}
