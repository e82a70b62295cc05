// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* The event ring for real: a datapath that watches the loopback device of a namespace of this test's own. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>

#include <ebpfnet/conntrack.h>
#include <ebpfnet/event.h>
#include <ebpfnet/flow.h>

#include "../unit/suite.h"
#include "core/internal.h"

#define PORT 7777
#define RING_BYTES 65536u
#define RECORD_BYTES 104u

static struct ebpfnet_ctx *ctx;
static struct ebpfnet_datapath *dp;
static char name[32];

static void loopback_up(void)
{
	struct ifreq req = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	req.ifr_flags = IFF_UP;
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &req), 0);
	close(fd);
}

static void setup(void)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = name, .table_bytes = 1 << 22,
					      .flows4 = 65536, .flows6 = 1024, .ring_bytes = RING_BYTES };
	struct ebpfnet_diag *diag;
	char text[4096] = "";
	int rc;

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	loopback_up();
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	opts.diag = diag;
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	rc = ebpfnet_datapath_open(ctx, &opts, &dp);
	if (!rc)
		rc = ebpfnet_datapath_load(dp, diag);
	if (!rc)
		rc = ebpfnet_datapath_attach(dp, "lo", EBPFNET_ROLE_WATCH, diag);
	ebpfnet_diag_format(diag, text, sizeof(text));
	if (rc < 0 && dp)
		ebpfnet_datapath_cleanup(dp, NULL);
	ck_assert_msg(rc == 0, "%d: %s", rc, text);
	ebpfnet_diag_free(diag);
}

static void teardown(void)
{
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
}

/* n flows, each a datagram from a port of its own to a socket that is there. */
static void send_flows(unsigned int n)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int sink = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned int i;

	ck_assert_int_eq(bind(sink, (struct sockaddr *)&to, sizeof(to)), 0);
	for (i = 0; i < n; i++) {
		struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(20000 + i)),
					    .sin_addr = { htonl(INADDR_LOOPBACK) } };
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		ck_assert_int_eq(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
		ck_assert_int_eq(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
		close(fd);
	}
	close(sink);
}

struct seen {
	unsigned int n;
	int answer;
	struct ebpfnet_events *reenter;
	uint16_t ports[4096];
	struct ebpfnet_event last;
};

static int note(const struct ebpfnet_event *e, void *userdata)
{
	struct seen *s = userdata;

	if (s->reenter)
		ck_assert_int_eq(ebpfnet_events_dispatch(s->reenter, 0), -EINVAL);
	/* each flow passes the device twice, out and in */
	if (e->protocol == 17 && e->dport == PORT && e->sport - 20000u < 4096)
		s->ports[e->sport - 20000u]++;
	s->last = *e;
	s->n++;
	return s->answer;
}

static struct ebpfnet_events *open_events(const struct ebpfnet_events_opts *opts, struct seen *s)
{
	struct ebpfnet_events *ev = NULL;

	memset(s, 0, sizeof(*s));
	ck_assert_int_eq(ebpfnet_events_open(dp, opts, note, s, &ev), 0);
	return ev;
}

static bool readable(struct ebpfnet_events *ev)
{
	struct pollfd fd = { .fd = ebpfnet_events_get_fd(ev), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

START_TEST(events_arrive)
{
	struct ebpfnet_events *ev;
	struct seen s;
	unsigned int i;

	setup();
	ev = open_events(NULL, &s);
	ck_assert_int_eq(ebpfnet_events_get_timeout(ev), 100);
	ck_assert(fcntl(ebpfnet_events_get_fd(ev), F_GETFD) & FD_CLOEXEC);
	ck_assert_int_eq(ebpfnet_events_dispatch(ev, 0), 0);
	send_flows(20);
	ck_assert_int_gt(ebpfnet_events_dispatch(ev, 0), 0);
	for (i = 0; i < 20; i++)
		ck_assert_uint_ge(s.ports[i], 1);
	ck_assert_uint_eq(s.last.type, EBPFNET_EVENT_SEEN);
	ck_assert_uint_eq(s.last.protocol, 17);
	ck_assert_uint_eq(s.last.dport, PORT);
	ck_assert(s.last.flags & EBPFNET_EVENT_F_L3);
	ck_assert(s.last.flags & EBPFNET_EVENT_F_L4);
	ck_assert_uint_eq(s.last.ifindex, 1);
	ck_assert(ebn_monotonic_ns() - s.last.time_ns < 10000000000u);
	ck_assert_uint_eq(ebpfnet_events_lost(ev), 0);
	ebpfnet_events_free(ev);
	teardown();
}
END_TEST

/* One event does not wake the reader; an eighth of the ring does. */
START_TEST(events_wait_for_company)
{
	struct ebpfnet_events_opts opts = { EBPFNET_OPTS_INIT(opts), .latency_ms = 500 };
	struct ebpfnet_events *ev;
	struct seen s;

	setup();
	ev = open_events(&opts, &s);
	ck_assert_int_eq(ebpfnet_events_get_timeout(ev), 500);
	send_flows(1);
	ck_assert(!readable(ev));
	send_flows(RING_BYTES / 8 / RECORD_BYTES + 10);
	ck_assert(readable(ev));
	ck_assert_int_gt(ebpfnet_events_dispatch(ev, 0), 1);
	ck_assert(!readable(ev));
	ebpfnet_events_free(ev);
	teardown();
}
END_TEST

START_TEST(dispatch_stops_when_told)
{
	struct ebpfnet_events *ev;
	struct seen s;

	setup();
	ev = open_events(NULL, &s);
	send_flows(10);
	ck_assert_int_eq(ebpfnet_events_dispatch(ev, 2), 2);
	ck_assert_int_eq(ebpfnet_events_get_timeout(ev), 0);
	s.answer = 1;
	ck_assert_int_eq(ebpfnet_events_dispatch(ev, 0), 1);
	s.answer = -ECANCELED;
	ck_assert_int_eq(ebpfnet_events_dispatch(ev, 0), -ECANCELED);
	ck_assert_uint_eq(s.n, 4);
	s.answer = 0;
	s.reenter = ev;
	ck_assert_int_ge(ebpfnet_events_dispatch(ev, 0), 6);
	ck_assert_int_eq(ebpfnet_events_get_timeout(ev), 100);
	ebpfnet_events_free(ev);
	teardown();
}
END_TEST

START_TEST(one_reader_at_a_time)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = name,
					      .flags = EBPFNET_DATAPATH_READONLY };
	struct ebpfnet_events_opts kinds = { EBPFNET_OPTS_INIT(kinds), .kinds = 1 << EBPFNET_EVENT_CLOSE };
	struct ebpfnet_events *ev, *second = NULL;
	struct ebpfnet_datapath *looker = NULL;
	struct seen s;

	setup();
	ev = open_events(NULL, &s);
	ck_assert_int_eq(ebpfnet_events_open(dp, NULL, note, &s, &second), -EBUSY);
	ck_assert_int_eq(ebpfnet_datapath_open(ctx, &opts, &looker), 0);
	ck_assert_int_eq(ebpfnet_events_open(looker, NULL, note, &s, &second), -EROFS);
	ebpfnet_datapath_unref(looker);
	send_flows(3);
	ebpfnet_events_free(ev);
	/* what the first one left is not for the second, nor is what it did not ask for */
	ev = open_events(&kinds, &s);
	send_flows(3);
	ck_assert_int_eq(ebpfnet_events_dispatch(ev, 0), 0);
	ck_assert_uint_eq(s.n, 0);
	kinds.kinds = 1;
	ck_assert_int_eq(ebpfnet_events_open(dp, &kinds, note, &s, &second), -EINVAL);
	ck_assert_int_eq(ebpfnet_events_open(dp, NULL, NULL, &s, &second), -EINVAL);
	ck_assert_int_eq(ebpfnet_events_open(NULL, NULL, note, &s, &second), -EINVAL);
	ck_assert_int_eq(ebpfnet_events_get_fd(NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_events_get_timeout(NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_events_dispatch(NULL, 0), -EINVAL);
	ck_assert_uint_eq(ebpfnet_events_lost(NULL), 0);
	ebpfnet_events_free(NULL);
	ebpfnet_events_free(ev);
	teardown();
}
END_TEST

START_TEST(what_does_not_fit_is_counted)
{
	struct ebpfnet_events *ev;
	struct seen s;

	setup();
	ev = open_events(NULL, &s);
	send_flows(2000);
	ck_assert_uint_gt(ebpfnet_events_lost(ev), 0);
	ck_assert_int_eq(ebpfnet_events_dispatch(ev, 0), RING_BYTES / RECORD_BYTES);
	/* and there is room again */
	memset(s.ports, 0, sizeof(s.ports));
	send_flows(2010);
	ck_assert_int_gt(ebpfnet_events_dispatch(ev, 0), 0);
	ebpfnet_events_free(ev);
	teardown();
}
END_TEST

START_TEST(flows_are_named_and_tracked)
{
	struct ebpfnet_ct_filter filter = { EBPFNET_OPTS_INIT(filter), .dport = PORT, .protocol = 17 };
	struct ebpfnet_names *names = NULL;
	struct ebpfnet_ct_iter *it;
	struct ebpfnet_ct_entry e;
	struct ebpfnet_events *ev;
	struct ebpfnet_flow f;
	unsigned int n = 0;
	struct seen s;

	setup();
	ck_assert_int_eq(ebpfnet_names_new(dp, "here", &names), 0);
	ev = open_events(NULL, &s);
	send_flows(5);
	ck_assert_int_gt(ebpfnet_events_dispatch(ev, 0), 0);
	ck_assert_int_eq(ebpfnet_flow_from_event(names, &s.last, &f, sizeof(f)), 0);
	ck_assert_str_eq(f.node, "here");
	ck_assert_str_eq(f.src.labels, "reserved:world;");
	ck_assert(ebn_realtime_ns() - f.realtime_ns < 10000000000u);
	ck_assert_int_eq(ebpfnet_ct_iter_new(dp, &filter, &it), 0);
	while (ebpfnet_ct_iter_next(it, &e, sizeof(e)) > 0) {
		ck_assert_uint_eq(e.dport, PORT);
		ck_assert_uint_lt(e.idle_ms, 10000);
		n++;
	}
	ebpfnet_ct_iter_free(it);
	ck_assert_uint_eq(n, 5);
	ck_assert_int_eq(ebpfnet_ct_flush(dp, &filter), 5);
	ck_assert_int_eq(ebpfnet_ct_flush(dp, &filter), 0);
	/* names and reader outlive the tables */
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	ck_assert_int_eq(ebpfnet_names_refresh(names), -EPROTO);
	ck_assert_int_eq(ebpfnet_flow_from_event(names, &s.last, &f, sizeof(f)), 0);
	ck_assert_int_ge(ebpfnet_events_dispatch(ev, 0), 0);
	ebpfnet_events_free(ev);
	ebpfnet_names_free(names);
	teardown();
}
END_TEST

/* Each test runs in a process of its own; what a failed one leaves pinned is removed here. */
int main(void)
{
	const TTest *const tests[] = { events_arrive, events_wait_for_company, dispatch_stops_when_told,
				       one_reader_at_a_time, what_does_not_fit_is_counted,
				       flows_are_named_and_tracked };
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = name };
	int failed;

	snprintf(name, sizeof(name), "ebnt-ev-%d", (int)getpid());
	failed = run_suite("events", tests, EBN_ARRAY_SIZE(tests));
	if (failed && !ebpfnet_ctx_new(NULL, &ctx) && !ebpfnet_datapath_open(ctx, &opts, &dp))
		ebpfnet_datapath_cleanup(dp, NULL);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	return failed;
}
