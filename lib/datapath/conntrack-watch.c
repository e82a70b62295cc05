// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A watch over a datapath's flows: when to look, and whom to tell. */
#include <sys/timerfd.h>

#include "conntrack/watch.h"
#include "datapath/conntrack.h"

#define INTERVAL_DEFAULT_MS 1000u
#define INTERVAL_MIN_MS 10u
#define INTERVAL_MAX_MS 60000u
#define KINDS_ALL (1u << EBPFNET_CT_EVENT_NEW | 1u << EBPFNET_CT_EVENT_UPDATE | 1u << EBPFNET_CT_EVENT_DESTROY)

struct ebpfnet_ct_watch {
	struct ebpfnet_datapath *dp;
	struct ebn_ct_watch core;
	struct ebn_flows tables[2];	/* that the copy is of */
	struct ebpfnet_ct_filter filter;
	ebpfnet_ct_watch_fn fn;
	void *userdata;
	int timer_fd;
	uint32_t interval_ms;
	uint32_t kinds;
	bool existing;
	bool looking;			/* a look is not at its end */
	bool inside;
	uint64_t due_ns;
};

static int start_timer(struct ebpfnet_ct_watch *w)
{
	/* the first look is due at once */
	struct itimerspec spec = {
		.it_value = { .tv_nsec = 1 },
		.it_interval = { .tv_sec = w->interval_ms / 1000, .tv_nsec = w->interval_ms % 1000 * 1000000L },
	};

	w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->timer_fd < 0)
		return -errno;
	return timerfd_settime(w->timer_fd, 0, &spec, NULL) < 0 ? -errno : 0;
}

int ebpfnet_ct_watch_new(struct ebpfnet_datapath *dp, const struct ebpfnet_ct_watch_opts *opts, ebpfnet_ct_watch_fn fn,
			 void *userdata, struct ebpfnet_ct_watch **ret)
{
	struct ebpfnet_ct_watch *w;
	uint32_t interval, kinds, existing;
	int r;

	if (!dp || !fn || !ret || !EBN_OPTS_VALID(opts, ebpfnet_ct_watch_opts))
		return -EINVAL;
	interval = EBN_OPT(opts, interval_ms, 0);
	kinds = EBN_OPT(opts, kinds, 0);
	existing = EBN_OPT(opts, existing, 0);
	if ((interval && (interval < INTERVAL_MIN_MS || interval > INTERVAL_MAX_MS)) || kinds & ~KINDS_ALL ||
	    existing > 1 || EBN_OPT(opts, reserved, 0))
		return -EINVAL;
	r = ebn_dp_tables(dp);
	if (r < 0)
		return r;
	w = ebn_calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->fn = fn;
	w->userdata = userdata;
	w->timer_fd = -1;
	w->interval_ms = interval ? interval : INTERVAL_DEFAULT_MS;
	w->kinds = kinds ? kinds : 1u << EBPFNET_CT_EVENT_NEW | 1u << EBPFNET_CT_EVENT_DESTROY;
	w->existing = existing;
	r = ebn_ct_filter_read(EBN_OPT(opts, filter, NULL), &w->filter);
	if (!r)
		r = ebn_ct_watch_begin(&w->core, dp->flows);
	if (!r)
		r = start_timer(w);
	if (r < 0) {
		ebpfnet_ct_watch_free(w);
		return r;
	}
	memcpy(w->tables, dp->flows, sizeof(w->tables));
	w->dp = ebpfnet_datapath_ref(dp);
	*ret = w;
	return 0;
}

void ebpfnet_ct_watch_free(struct ebpfnet_ct_watch *watch)
{
	if (!watch)
		return;
	ebn_ct_watch_end(&watch->core);
	ebn_close(&watch->timer_fd);
	ebpfnet_datapath_unref(watch->dp);
	free(watch);
}

int ebpfnet_ct_watch_get_fd(struct ebpfnet_ct_watch *watch)
{
	return watch ? watch->timer_fd : -EINVAL;
}

int ebpfnet_ct_watch_get_timeout(struct ebpfnet_ct_watch *watch)
{
	uint64_t now = ebn_monotonic_ns();

	if (!watch)
		return -EINVAL;
	if (watch->looking || now >= watch->due_ns)
		return 0;
	return (int)((watch->due_ns - now) / 1000000u) + 1;
}

/* Tables of another size, or elsewhere: an upgrade has replaced them. */
static int follow(struct ebpfnet_ct_watch *w)
{
	int i, r;

	for (i = 0; i < 2; i++)
		if (w->tables[i].mem != w->dp->flows[i].mem || w->tables[i].mask != w->dp->flows[i].mask)
			break;
	if (i == 2)
		return 0;
	r = ebn_ct_watch_follow(&w->core, w->dp->flows);
	if (!r)
		memcpy(w->tables, w->dp->flows, sizeof(w->tables));
	return r;
}

/* 1: told, 0: not wanted, below 0: aborted. *ret_stop: the caller wants no more for now. */
static int tell(struct ebpfnet_ct_watch *w, const struct ebn_ct_view *view, const struct ebn_ct_change *change,
		bool *ret_stop)
{
	struct ebpfnet_ct_event event = { .type = change->type, .flags = change->flags };
	int r;

	if (ebn_flow_reserves(&change->flow, change->v6) || !(w->kinds >> change->type & 1) ||
	    (change->flags & EBPFNET_CT_EVENT_EXISTING && !w->existing))
		return 0;
	ebn_ct_entry(view, &change->flow, change->v6, &event.entry);
	if (!ebn_ct_wanted(view, &w->filter, &event.entry))
		return 0;
	r = w->fn(&event, w->userdata);
	*ret_stop = r != 0;
	return r < 0 ? r : 1;
}

static int look(struct ebpfnet_ct_watch *w, unsigned int max)
{
	struct ebn_ct_change change;
	struct ebn_dp_walk walk;
	unsigned int n = 0;
	bool stop = false;
	int r;

	r = ebn_dp_walk_begin(w->dp, NULL, &walk);
	if (r < 0)
		return r;
	while (!stop && (!max || n < max) && n < INT_MAX) {
		w->looking = ebn_ct_watch_next(&w->core, w->tables, &change);
		if (!w->looking)
			break;
		r = tell(w, &walk.walk.view, &change, &stop);
		if (r < 0)
			break;
		n += (unsigned int)r;
		r = 0;
	}
	ebn_dp_walk_done(&walk);
	return r < 0 ? r : (int)n;
}

int ebpfnet_ct_watch_dispatch(struct ebpfnet_ct_watch *watch, unsigned int max)
{
	uint64_t expirations, now = ebn_monotonic_ns();
	int r;

	if (!watch || watch->inside)
		return -EINVAL;
	/* a cleanup took the tables away */
	if (!watch->dp->prepared)
		return 0;
	while (read(watch->timer_fd, &expirations, sizeof(expirations)) < 0 && errno == EINTR)
		;
	if (!watch->looking && now < watch->due_ns)
		return 0;
	r = follow(watch);
	if (r < 0)
		return r;
	if (!watch->looking)
		watch->due_ns = now + watch->interval_ms * 1000000ULL;
	watch->inside = true;
	r = look(watch, max);
	watch->inside = false;
	return r;
}

uint64_t ebpfnet_ct_watch_missed(struct ebpfnet_ct_watch *watch)
{
	return watch ? watch->core.missed : 0;
}
