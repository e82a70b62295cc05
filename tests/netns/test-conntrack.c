// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The conntrack calls for real: a datapath that watches the loopback device of a namespace of this test's own, and one that
 * a reader beside it has open.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <zlib.h>

#include <ebpfnet/conntrack.h>

#include "../unit/suite.h"
#include "core/internal.h"

#define PORT 7777
#define FIRST 20000u
#define ZONE_WATCH 0xffffu
#define MANY 100000u

static struct ebpfnet_ctx *ctx;
static struct ebpfnet_datapath *dp, *looker;
static char name[32];

static struct ebpfnet_datapath *open_dp(uint32_t flags)
{
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = name, .table_bytes = 1 << 22,
					      .flows4 = MANY, .flows6 = 1024, .flags = flags };
	struct ebpfnet_datapath *d = NULL;

	ck_assert_int_eq(ebpfnet_datapath_open(ctx, &opts, &d), 0);
	return d;
}

static void setup(void)
{
	struct ifreq req = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &req), 0);
	close(fd);
	ck_assert_int_eq(ebpfnet_ctx_new(NULL, &ctx), 0);
	dp = open_dp(0);
	/* what a case before this one left when it failed is not this one's failure */
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	if (ebpfnet_datapath_load(dp, NULL) || ebpfnet_datapath_attach(dp, "lo", EBPFNET_ROLE_WATCH, NULL)) {
		ebpfnet_datapath_cleanup(dp, NULL);
		ck_abort_msg("cannot load and attach");
	}
	looker = open_dp(EBPFNET_DATAPATH_READONLY);
}

static void teardown(void)
{
	ebpfnet_datapath_unref(looker);
	ck_assert_int_eq(ebpfnet_datapath_cleanup(dp, NULL), 0);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
}

/* n flows, each a datagram from a port of its own. */
static void send_flows(unsigned int first, unsigned int n)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int sink = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned int i;

	ck_assert_int_eq(bind(sink, (struct sockaddr *)&to, sizeof(to)), 0);
	for (i = first; i < first + n; i++) {
		struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(FIRST + i)),
					    .sin_addr = { htonl(INADDR_LOOPBACK) } };
		int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		ck_assert_int_eq(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
		ck_assert_int_eq(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1);
		close(fd);
	}
	close(sink);
}

static struct ebpfnet_ct_tuple tuple_of(unsigned int i)
{
	struct ebpfnet_ct_tuple t = { EBPFNET_OPTS_INIT(t), .sport = (uint16_t)(FIRST + i), .dport = PORT,
				      .protocol = 17, .zone = ZONE_WATCH };

	ck_assert_int_eq(ebpfnet_addr_parse("127.0.0.1", &t.src), 0);
	t.dst = t.src;
	return t;
}

static struct ebpfnet_ct_filter our_flows(void)
{
	return (struct ebpfnet_ct_filter){ .sz = sizeof(struct ebpfnet_ct_filter), .protocol = 17, .dport = PORT };
}

START_TEST(found_counted_and_deleted)
{
	struct ebpfnet_ct_endpoint_count ep;
	struct ebpfnet_ct_filter f = our_flows();
	struct ebpfnet_ct_counts c;
	struct ebpfnet_ct_entry e;
	struct ebpfnet_ct_tuple t;

	setup();
	send_flows(0, 30);
	t = tuple_of(7);
	ck_assert_int_eq(ebpfnet_ct_lookup(looker, &t, &e, sizeof(e)), 0);
	ck_assert_uint_eq(e.sport, FIRST + 7);
	ck_assert_uint_eq(e.zone, ZONE_WATCH);
	/* out and in: a loopback device sees a packet twice */
	ck_assert_uint_eq(e.packets[0], 2);
	ck_assert_uint_eq(e.src_identity, 0);
	ck_assert_int_eq(ebpfnet_ct_count(looker, &f, &c, sizeof(c)), 0);
	ck_assert_uint_eq(c.total, 30);
	ck_assert_uint_eq(c.udp, 30);
	ck_assert_uint_eq(c.state[EBPFNET_CT_HALF_OPEN], 30);
	ck_assert_int_eq(ebpfnet_ct_count_endpoints(looker, &f, &ep, 1), 0);
	ck_assert_int_eq(ebpfnet_ct_delete(looker, &t), -EROFS);
	ck_assert_int_eq(ebpfnet_ct_delete(dp, &t), 0);
	ck_assert_int_eq(ebpfnet_ct_delete(dp, &t), -ENOENT);
	ck_assert_int_eq(ebpfnet_ct_lookup(looker, &t, &e, sizeof(e)), -ENOENT);
	f.sport = FIRST + 8;
	ck_assert_int_eq(ebpfnet_ct_flush(dp, &f), 1);
	f.sport = 0;
	ck_assert_int_eq(ebpfnet_ct_count(looker, &f, &c, sizeof(c)), 0);
	ck_assert_uint_eq(c.total, 28);
	f.addr_bits = 3;
	ck_assert_int_eq(ebpfnet_ct_count(looker, &f, &c, sizeof(c)), -EINVAL);
	teardown();
}
END_TEST

/* Of the places there are. Flows on a watched device belong to nobody, so nobody is over. */
static void shares_are(uint32_t percent)
{
	struct ebpfnet_ct_pressure p;

	ck_assert_int_eq(ebpfnet_ct_get_pressure(looker, &p, sizeof(p)), 0);
	ck_assert_uint_eq(p.ipv4.quota, p.ipv4.places * percent / 100);
	ck_assert_uint_eq(p.ipv6.quota, p.ipv6.places * percent / 100);
	ck_assert_uint_eq(p.ipv4.over_quota + p.ipv6.over_quota, 0);
}

START_TEST(limits_are_live)
{
	struct ebpfnet_ct_config was = { EBPFNET_OPTS_INIT(was) }, now = { EBPFNET_OPTS_INIT(now) };
	struct ebpfnet_ct_filter f = our_flows();
	struct ebpfnet_ct_sweep_stats st;
	struct ebpfnet_ct_counts c;
	uint64_t looked = 0, expired = 0;
	int r, turns = 0;

	setup();
	ck_assert_int_eq(ebpfnet_ct_get_config(looker, &was), 0);
	ck_assert_uint_eq(was.tcp_established_s, 6 * 3600);
	ck_assert_uint_eq(was.tcp_half_closed_s, 600);
	ck_assert_uint_eq(was.give_up_s, 600);
	ck_assert_uint_eq(was.midstream + was.cut, 0);
	ck_assert_uint_eq(was.quota_percent, EBPFNET_CT_QUOTA_PERCENT);
	shares_are(was.quota_percent);
	send_flows(0, 20);
	now = was;
	now.udp_new_s = 1;
	now.icmp_s = 0;
	now.midstream = 1;
	now.cut = 1;
	now.quota_percent = 30;
	ck_assert_int_eq(ebpfnet_ct_set_config(looker, &now), -EROFS);
	ck_assert_int_eq(ebpfnet_ct_set_config(dp, &now), 0);
	ck_assert_int_eq(ebpfnet_ct_get_config(looker, &now), 0);
	ck_assert_uint_eq(now.udp_new_s, 1);
	ck_assert_uint_eq(now.icmp_s, was.icmp_s);
	ck_assert_uint_eq(now.midstream + now.cut, 2);
	ck_assert_uint_eq(now.quota_percent, 30);
	shares_are(30);
	now.quota_percent = 101;
	ck_assert_int_eq(ebpfnet_ct_set_config(dp, &now), -EINVAL);
	now.quota_percent = 0;
	ck_assert_int_eq(ebpfnet_ct_set_config(dp, &now), 0);
	shares_are(0);
	now.udp_new_s = 2592001;
	ck_assert_int_eq(ebpfnet_ct_set_config(dp, &now), -EINVAL);
	now.udp_new_s = 1;
	now.midstream = 2;
	ck_assert_int_eq(ebpfnet_ct_set_config(dp, &now), -EINVAL);
	ck_assert_int_eq(ebpfnet_ct_sweep(looker, 10, &st, sizeof(st)), -EROFS);
	usleep(1500000);
	ck_assert_int_eq(ebpfnet_ct_count(looker, &f, &c, sizeof(c)), 0);
	ck_assert_uint_eq(c.expired, 20);
	/* in parts, each no larger than asked for */
	do {
		r = ebpfnet_ct_sweep(dp, 10000, &st, sizeof(st));
		ck_assert_int_ge(r, 0);
		ck_assert_uint_le(st.looked_at, 10000);
		looked += st.looked_at;
		expired += st.expired;
	} while (r == 1 && ++turns < 1000);
	ck_assert_int_eq(r, 0);
	ck_assert_uint_ge(expired, 20);
	ck_assert_uint_gt(looked, MANY);
	ck_assert_int_eq(ebpfnet_ct_count(looker, &f, &c, sizeof(c)), 0);
	ck_assert_uint_eq(c.total, 0);
	ck_assert_int_eq(ebpfnet_ct_sweep(dp, 0, NULL, 0), 0);
	teardown();
}
END_TEST

struct told {
	unsigned int new, gone, late, n;
	int answer;
	uint64_t bytes;
	struct ebpfnet_ct_watch *reenter;
};

static int note(const struct ebpfnet_ct_event *event, void *userdata)
{
	struct told *t = userdata;

	if (t->reenter)
		ck_assert_int_eq(ebpfnet_ct_watch_dispatch(t->reenter, 0), -EINVAL);
	t->n++;
	t->new += event->type == EBPFNET_CT_EVENT_NEW;
	t->gone += event->type == EBPFNET_CT_EVENT_DESTROY;
	t->late += !!(event->flags & EBPFNET_CT_EVENT_LATE);
	if (event->type == EBPFNET_CT_EVENT_DESTROY)
		t->bytes += event->entry.bytes[0];
	return t->answer;
}

/* Waits for the next look as poll(2) says, and takes it. */
static void take(struct ebpfnet_ct_watch *w, unsigned int max, int want)
{
	struct pollfd fd = { .fd = ebpfnet_ct_watch_get_fd(w), .events = POLLIN };

	if (ebpfnet_ct_watch_get_timeout(w))
		ck_assert_int_eq(poll(&fd, 1, 5000), 1);
	while (ebpfnet_ct_watch_get_timeout(w))
		usleep(1000);
	ck_assert_int_eq(ebpfnet_ct_watch_dispatch(w, max), want);
}

START_TEST(a_watch_beside_the_owner)
{
	struct ebpfnet_ct_filter f = our_flows();
	struct ebpfnet_ct_watch_opts opts = { EBPFNET_OPTS_INIT(opts), .interval_ms = 1000, .filter = &f,
					      .existing = 1 };
	struct ebpfnet_ct_watch *w = NULL;
	struct told t = { 0 };

	setup();
	send_flows(0, 5);
	ck_assert_int_eq(ebpfnet_ct_watch_new(looker, &opts, note, &t, &w), 0);
	take(w, 0, 5);
	ck_assert_uint_eq(t.new, 5);
	/* a look at the whole table is over long before the next is due, also on a busy machine */
	ck_assert_int_gt(ebpfnet_ct_watch_get_timeout(w), 0);
	ck_assert_int_eq(ebpfnet_ct_watch_dispatch(w, 0), 0);
	send_flows(5, 5);
	take(w, 2, 2);
	/* the rest at once */
	ck_assert_int_eq(ebpfnet_ct_watch_get_timeout(w), 0);
	t.answer = 1;
	ck_assert_int_eq(ebpfnet_ct_watch_dispatch(w, 0), 1);
	t.answer = -ECANCELED;
	ck_assert_int_eq(ebpfnet_ct_watch_dispatch(w, 0), -ECANCELED);
	t.answer = 0;
	t.reenter = w;
	ck_assert_int_eq(ebpfnet_ct_watch_dispatch(w, 0), 1);
	ck_assert_uint_eq(t.new, 10);
	ck_assert_int_eq(ebpfnet_ct_flush(dp, &f), 10);
	take(w, 0, 10);
	ck_assert_uint_eq(t.gone, 10);
	ck_assert_uint_eq(t.late, 0);
	/* each flow's datagram of 29 bytes, seen twice */
	ck_assert_uint_eq(t.bytes, 10 * 2 * 29);
	ck_assert_uint_eq(ebpfnet_ct_watch_missed(w), 0);
	ebpfnet_ct_watch_free(w);
	opts.interval_ms = 5;
	ck_assert_int_eq(ebpfnet_ct_watch_new(looker, &opts, note, &t, &w), -EINVAL);
	ck_assert_int_eq(ebpfnet_ct_watch_new(looker, NULL, NULL, &t, &w), -EINVAL);
	ck_assert_int_eq(ebpfnet_ct_watch_get_fd(NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_ct_watch_get_timeout(NULL), -EINVAL);
	ck_assert_int_eq(ebpfnet_ct_watch_dispatch(NULL, 0), -EINVAL);
	ck_assert_uint_eq(ebpfnet_ct_watch_missed(NULL), 0);
	ebpfnet_ct_watch_free(NULL);
	teardown();
}
END_TEST

/* The owner's watch goes on when its tables are replaced by larger ones. */
START_TEST(a_watch_over_an_upgrade)
{
	struct ebpfnet_ct_filter f = our_flows();
	struct ebpfnet_ct_watch_opts opts = { EBPFNET_OPTS_INIT(opts), .interval_ms = 10, .filter = &f };
	struct ebpfnet_upgrade_opts up = { EBPFNET_OPTS_INIT(up), .flows4 = 4 * MANY };
	struct ebpfnet_ct_watch *w = NULL;
	struct told t = { 0 };

	setup();
	ck_assert_int_eq(ebpfnet_ct_watch_new(dp, &opts, note, &t, &w), 0);
	take(w, 0, 0);
	send_flows(0, 40);
	take(w, 0, 40);
	ck_assert_int_eq(ebpfnet_datapath_upgrade(dp, &up), 0);
	take(w, 0, 0);
	send_flows(40, 3);
	take(w, 0, 3);
	ck_assert_int_eq(ebpfnet_ct_flush(dp, &f), 43);
	take(w, 0, 43);
	ck_assert_uint_eq(t.gone, 43);
	ebpfnet_ct_watch_free(w);
	teardown();
}
END_TEST

struct buffer {
	uint8_t *data;
	size_t len;
};

static int append(const void *data, size_t len, void *userdata)
{
	struct buffer *b = userdata;

	b->data = realloc(b->data, b->len + len);
	ck_assert_ptr_nonnull(b->data);
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return 0;
}

START_TEST(out_and_in_again)
{
	struct ebpfnet_ct_filter f = our_flows();
	struct ebpfnet_ct_import_stats st;
	struct ebpfnet_ct_counts c;
	struct ebpfnet_diag *diag;
	struct buffer b = { NULL, 0 };

	setup();
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	send_flows(0, 60);
	ck_assert_int_eq(ebpfnet_ct_export(looker, &f, append, &b), 0);
	ck_assert_int_eq(ebpfnet_ct_import(looker, b.data, b.len, &st, sizeof(st), NULL), -EROFS);
	f.sport = FIRST + 1;
	ck_assert_int_eq(ebpfnet_ct_flush(dp, &f), 1);
	f.sport = 0;
	ck_assert_int_eq(ebpfnet_ct_import(dp, b.data, b.len, &st, sizeof(st), NULL), 0);
	ck_assert_uint_eq(st.read, 60);
	ck_assert_uint_eq(st.present, 59);
	ck_assert_uint_eq(st.imported, 1);
	ck_assert_int_eq(ebpfnet_ct_count(dp, &f, &c, sizeof(c)), 0);
	ck_assert_uint_eq(c.total, 60);
	b.data[70] ^= 1;
	ck_assert_int_eq(ebpfnet_ct_import(dp, b.data, b.len, &st, sizeof(st), diag), -EBADMSG);
	ck_assert_uint_eq(ebpfnet_diag_count(diag), 1);
	ck_assert_int_eq(ebpfnet_ct_export(looker, &f, NULL, &b), -EINVAL);
	ebpfnet_diag_free(diag);
	free(b.data);
	teardown();
}
END_TEST

static uint8_t *put(uint8_t *at, uint64_t value, unsigned int bytes)
{
	for (; bytes--; value >>= 8)
		*at++ = (uint8_t)value;
	return at;
}

#define IMAGE_FLOWS 50000u
#define IMAGE_RECORD 58u

/* An image written from the manual: established associations from first on; the number is the count of bytes sent, too. */
static void append_image(struct buffer *b, unsigned int first)
{
	static const uint16_t field[][2] = { { 1, 16 }, { 2, 16 }, { 3, 2 }, { 4, 2 }, { 5, 1 }, { 6, 1 }, { 15, 8 },
					     { 8, 4 }, { 13, 8 } };
	size_t head = 64 + 8 * EBN_ARRAY_SIZE(field), len = head + IMAGE_FLOWS * (size_t)IMAGE_RECORD + 8;
	uint8_t *image = calloc(1, len), *at = image;
	unsigned int i, offset = 0;

	ck_assert_ptr_nonnull(image);
	memcpy(at, "EBNFLOWS", 8);
	at = put(put(put(at + 8, 1, 4), head, 4), len, 8);
	at = put(put(put(at, EBN_ARRAY_SIZE(field), 4), IMAGE_RECORD, 4), IMAGE_FLOWS, 4);
	for (at = image + 64, i = 0; i < EBN_ARRAY_SIZE(field); i++) {
		at = put(put(put(put(at, field[i][0], 2), offset, 2), field[i][1], 2), 0, 2);
		offset += field[i][1];
	}
	for (i = first; i < first + IMAGE_FLOWS; i++) {
		struct ebpfnet_addr src, dst;

		ck_assert_int_eq(ebpfnet_addr_parse("10.1.0.0", &src), 0);
		ck_assert_int_eq(ebpfnet_addr_parse("10.2.0.1", &dst), 0);
		src.b[14] = (uint8_t)(i >> 8);
		src.b[15] = (uint8_t)i;
		memcpy(at, src.b, 16);
		memcpy(at + 16, dst.b, 16);
		at = put(put(put(put(at + 32, 1000 + (i >> 16), 2), 80, 2), 132, 1), EBPFNET_CT_ESTABLISHED, 1);
		at = put(put(put(at, 500, 8), EBPFNET_CT_F_PROVEN, 4), i, 8);
	}
	put(at, crc32(crc32(0, NULL, 0), image, (uInt)(len - 8)), 8);
	append(image, len, b);
	free(image);
}

/* A hundred thousand flows: their owner is killed, another one comes, and larger tables; each flow is still there. */
START_TEST(many_flows_outlive_their_owner)
{
	struct ebpfnet_upgrade_opts up = { EBPFNET_OPTS_INIT(up), .flows4 = 2 * MANY };
	struct ebpfnet_ct_filter made = { EBPFNET_OPTS_INIT(made), .protocol = 132 };
	struct ebpfnet_ct_import_stats st;
	struct ebpfnet_ct_pressure p;
	struct ebpfnet_ct_counts c;
	struct ebpfnet_ct_entry e;
	struct ebpfnet_ct_iter *it;
	struct buffer b = { NULL, 0 };
	uint64_t bytes = 0;
	unsigned int i;
	int status;
	pid_t child;

	setup();
	send_flows(0, 10);
	for (i = 0; i < MANY; i += IMAGE_FLOWS)
		append_image(&b, i);
	ebpfnet_datapath_unref(dp);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		dp = open_dp(0);
		ck_assert_int_eq(ebpfnet_ct_import(dp, b.data, b.len, &st, sizeof(st), NULL), -EBUSY);
		ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
		ck_assert_int_eq(ebpfnet_ct_import(dp, b.data, b.len, &st, sizeof(st), NULL), 0);
		ck_assert_uint_eq(st.imported, MANY);
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	free(b.data);
	dp = open_dp(0);
	ck_assert_int_eq(ebpfnet_datapath_load(dp, NULL), 0);
	ck_assert_int_eq(ebpfnet_ct_count(dp, &made, &c, sizeof(c)), 0);
	ck_assert_uint_eq(c.total, MANY);
	ck_assert_int_eq(ebpfnet_datapath_upgrade(dp, &up), 0);
	ck_assert_int_eq(ebpfnet_ct_iter_new(dp, &made, &it), 0);
	for (i = 0; ebpfnet_ct_iter_next(it, &e, sizeof(e)) == 1; i++)
		bytes += e.bytes[0];
	ebpfnet_ct_iter_free(it);
	ck_assert_uint_eq(i, MANY);
	ck_assert_uint_eq(bytes, (uint64_t)MANY * (MANY - 1) / 2);
	ck_assert_int_eq(ebpfnet_ct_get_pressure(looker, &p, sizeof(p)), 0);
	ck_assert_int_eq(ebpfnet_ct_get_pressure(dp, &p, sizeof(p)), 0);
	ck_assert_uint_ge(p.ipv4.live, MANY);
	ck_assert_uint_eq(p.ipv4.level, EBPFNET_CT_LEVEL_OK);
	ck_assert_uint_ge(p.created, 10);
	ck_assert_str_eq(ebpfnet_ct_level_name(p.ipv4.level), "ok");
	teardown();
}
END_TEST

/* Each test runs in a process of its own; what a failed one leaves pinned is removed here. */
int main(void)
{
	const TTest *const tests[] = { found_counted_and_deleted, limits_are_live, a_watch_beside_the_owner,
				       a_watch_over_an_upgrade, out_and_in_again, many_flows_outlive_their_owner };
	struct ebpfnet_datapath_opts opts = { EBPFNET_OPTS_INIT(opts), .name = name };
	int failed;

	snprintf(name, sizeof(name), "ebnt-ct-%d", (int)getpid());
	failed = run_suite("conntrack-live", tests, EBN_ARRAY_SIZE(tests));
	if (failed && !ebpfnet_ctx_new(NULL, &ctx) && !ebpfnet_datapath_open(ctx, &opts, &dp))
		ebpfnet_datapath_cleanup(dp, NULL);
	ebpfnet_datapath_unref(dp);
	ebpfnet_ctx_unref(ctx);
	return failed;
}
