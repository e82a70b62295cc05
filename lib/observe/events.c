// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <sys/epoll.h>

#include "datapath/internal.h"
#include "observe/internal.h"
#include "observe/ring.h"

#define LATENCY_DEFAULT_MS 100u
#define LATENCY_MAX_MS 60000u
/* The reader is woken early when this part of the ring is full. */
#define WAKE_PART 8

struct ebpfnet_events {
	struct ebpfnet_datapath *dp;
	struct ebn_ring ring;
	int epoll_fd;
	ebpfnet_event_fn fn;
	void *userdata;
	uint32_t latency_ms;
	uint32_t kinds;
	uint64_t lost_before;
	unsigned int given;	/* to the callback, in this dispatch */
	bool inside;
};

static uint32_t observe_bits(uint32_t kinds)
{
	uint32_t bits = 0;

	if (kinds & 1u << EBPFNET_EVENT_DROP)
		bits |= EBN_OBSERVE_DROP;
	if (kinds & (1u << EBPFNET_EVENT_VERDICT | 1u << EBPFNET_EVENT_SEEN))
		bits |= EBN_OBSERVE_NEW;
	if (kinds & 1u << EBPFNET_EVENT_CLOSE)
		bits |= EBN_OBSERVE_CLOSE;
	return bits;
}

static uint64_t count_lost(struct ebpfnet_datapath *dp)
{
	uint64_t n = 0;

	return ebn_dp_percpu_sum(dp, EBN_MAP_COUNTER, EBN_C_EVENT_LOST, &n, 1) < 0 ? 0 : n;
}

static int forget(const void *data, uint32_t len, void *arg)
{
	(void)data;
	(void)len;
	(void)arg;
	return 0;
}

/*
 * The fd is an edge-triggered epoll instance: the ring's own fd is readable as soon as one event is in it, which would
 * undo the waiting for company. The edge comes with the wake-up that the programs send when much is waiting.
 */
static int watch(struct ebpfnet_events *ev, int ring_fd)
{
	struct epoll_event want = { .events = EPOLLIN | EPOLLET };

	ev->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ev->epoll_fd < 0)
		return -errno;
	return epoll_ctl(ev->epoll_fd, EPOLL_CTL_ADD, ring_fd, &want) < 0 ? -errno : 0;
}

/* Takes the edge back. */
static void rest(struct ebpfnet_events *ev)
{
	struct epoll_event got;

	while (epoll_wait(ev->epoll_fd, &got, 1, 0) < 0 && errno == EINTR)
		;
}

int ebpfnet_events_open(struct ebpfnet_datapath *dp, const struct ebpfnet_events_opts *opts, ebpfnet_event_fn fn,
			void *userdata, struct ebpfnet_events **ret)
{
	struct ebpfnet_events *ev;
	uint32_t latency, kinds;
	struct ebn_node_hdr *hdr;
	int rc;

	if (!dp || !fn || !ret || !EBN_OPTS_VALID(opts, ebpfnet_events_opts))
		return -EINVAL;
	latency = EBN_OPT(opts, latency_ms, 0);
	kinds = EBN_OPT(opts, kinds, 0);
	if (latency > LATENCY_MAX_MS || kinds & ~(((2u << EBPFNET_EVENT_SEEN) - 1) & ~1u))
		return -EINVAL;
	rc = ebn_dp_writable(dp);
	if (rc < 0)
		return rc;
	if (dp->events)
		return -EBUSY;
	ev = ebn_calloc(1, sizeof(*ev));
	if (!ev)
		return -ENOMEM;
	ev->fn = fn;
	ev->userdata = userdata;
	ev->latency_ms = latency ? latency : LATENCY_DEFAULT_MS;
	ev->kinds = kinds ? kinds : ~0u;
	ev->epoll_fd = -1;
	rc = ebn_ring_map(&ev->ring, dp->map_fd[EBN_MAP_EVENTS]);
	if (!rc)
		rc = watch(ev, dp->map_fd[EBN_MAP_EVENTS]);
	if (rc < 0) {
		ebpfnet_events_free(ev);
		return rc;
	}
	/* what a reader before us left is nobody's any more */
	rc = ebn_ring_read(&ev->ring, ~0u, forget, NULL);
	if (rc < 0)
		ebn_warn(dp->ctx, "event ring is corrupt");
	rest(ev);
	ev->lost_before = count_lost(dp);
	ev->dp = ebpfnet_datapath_ref(dp);
	dp->events = ev;
	hdr = ebn_node_hdr(dp->node);
	EBN_WRITE(hdr->wake_bytes, (uint32_t)(ev->ring.size / WAKE_PART));
	EBN_WRITE(hdr->observe, observe_bits(ev->kinds));
	*ret = ev;
	return 0;
}

void ebpfnet_events_free(struct ebpfnet_events *events)
{
	if (!events)
		return;
	if (events->dp) {
		/* after a cleanup the tables are gone */
		if (events->dp->node)
			EBN_WRITE(ebn_node_hdr(events->dp->node)->observe, 0);
		events->dp->events = NULL;
		ebpfnet_datapath_unref(events->dp);
	}
	ebn_ring_unmap(&events->ring);
	ebn_close(&events->epoll_fd);
	free(events);
}

int ebpfnet_events_get_fd(struct ebpfnet_events *events)
{
	return events ? events->epoll_fd : -EINVAL;
}

int ebpfnet_events_get_timeout(struct ebpfnet_events *events)
{
	if (!events)
		return -EINVAL;
	return events->ring.more ? 0 : (int)events->latency_ms;
}

/* Records of another version cannot come from programs that this library loaded; what is not sane is left out. */
static int give(const void *data, uint32_t len, void *arg)
{
	struct ebpfnet_events *ev = arg;
	struct ebpfnet_event event;

	if (ebpfnet_event_decode(data, len, &event, sizeof(event)) < 0) {
		ebn_debug(ev->dp->ctx, "a record of %u bytes is not an event", len);
		return 0;
	}
	if (!(ev->kinds >> event.type & 1))
		return 0;
	ev->given++;
	return ev->fn(&event, ev->userdata);
}

int ebpfnet_events_dispatch(struct ebpfnet_events *events, unsigned int max)
{
	int rc;

	if (!events || events->inside)
		return -EINVAL;
	/* the edge first: an event that comes while we read must give a new one */
	rest(events);
	events->inside = true;
	events->given = 0;
	rc = ebn_ring_read(&events->ring, max ? max : ~0u, give, events);
	events->inside = false;
	return rc < 0 ? rc : (int)events->given;
}

uint64_t ebpfnet_events_lost(struct ebpfnet_events *events)
{
	return events ? count_lost(events->dp) - events->lost_before : 0;
}
