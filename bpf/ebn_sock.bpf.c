// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Services at the socket: where a client connects or sends, the backend's address takes the frontend's place before a packet
 * exists; where it asks who it talks to, the frontend's comes back. What a socket was given is kept with the socket, so a
 * living flow keeps its backend whatever becomes of the service, as long as the backend is still in it.
 *
 * An address that no frontend has costs one look-up. Nothing is let through because something was missing: no tables, or no
 * memory to remember a translation by, refuse the call.
 */
#include "ebn_sock.h"

#include "lib/active.h"
#include "lib/config.h"
#include "lib/maps_node.h"
#include "lib/service.h"

#define ECONNREFUSED 111
#define EHOSTUNREACH 113
#define EACCES 13
#define ENOBUFS 105
#define EADDRINUSE 98
#define LOOPBACK4 127

#define IPPROTO_TCP 6
#define IPPROTO_UDP 17

#define ALLOW 1
#define REFUSE 0

/* Set by the loader. */
const volatile __u64 ebn_node_netns;	/* cookie of the namespace whose ports are the node's */
const volatile __u32 ebn_hz = 250;

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ebn_sock);
} ebn_sock SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct ebn_aff_key);
	__type(value, struct ebn_aff);
} ebn_sock_aff SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EBN_SVC_STATS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct ebn_svc_stat);
} ebn_svc_stat SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EBN_BE_STATS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} ebn_be_stat SEC(".maps");

/* One call. */
struct ebn_call {
	struct ebn_view v;
	struct ebn_svc_ask ask;
	struct ebn_svc_pick pick;
	__u64 netns;
	__u16 vip_port;		/* network order */
};

static __always_inline int refuse(int err)
{
	bpf_set_retval(-err);
	return REFUSE;
}

/* v6 is a constant: the verifier refuses an access to the context at an offset that is computed. */
static __always_inline void call_dst(struct bpf_sock_addr *ctx, struct ebn_call *c, const bool v6)
{
	if (v6) {
		__u32 a = ctx->user_ip6[0], b = ctx->user_ip6[1], d = ctx->user_ip6[2], e = ctx->user_ip6[3];

		c->ask.w0 = a | (__u64)b << 32;
		c->ask.w1 = d | (__u64)e << 32;
	} else {
		__u32 a = ctx->user_ip4;

		c->ask.w0 = 0;
		c->ask.w1 = EBN_MAPPED4 | (__u64)a << 32;
	}
	c->vip_port = (__u16)ctx->user_port;
	c->ask.port = bpf_ntohs(c->vip_port);
}

static __always_inline void call_rewrite(struct bpf_sock_addr *ctx, bool v6, __u64 w0, __u64 w1, __u16 port)
{
	if (v6) {
		ctx->user_ip6[0] = (__u32)w0;
		ctx->user_ip6[1] = (__u32)(w0 >> 32);
		ctx->user_ip6[2] = (__u32)w1;
		ctx->user_ip6[3] = (__u32)(w1 >> 32);
	} else {
		ctx->user_ip4 = (__u32)(w1 >> 32);
	}
	ctx->user_port = port;
}

static __always_inline bool is_v4(__u64 w0, __u64 w1)
{
	return !w0 && (__u32)w1 == EBN_MAPPED4;
}

static __always_inline bool is_loopback(__u64 w0, __u64 w1)
{
	if (is_v4(w0, w1))
		return (__u8)(w1 >> 32) == LOOPBACK4;
	return !w0 && w1 == (__u64)bpf_htonl(1) << 32;
}

/* The address the socket is bound to, if it is. */
static __always_inline bool source_ok(struct bpf_sock *sk, struct ebn_call *c, const bool v6)
{
	struct ebn_svc_source_ask a = { .dir = c->v.dir, .sources = c->ask.sources };

	if (!c->ask.sources)
		return true;
	if (v6 && !is_v4(c->ask.w0, c->ask.w1)) {
		a.w0 = sk->src_ip6[0] | (__u64)sk->src_ip6[1] << 32;
		a.w1 = sk->src_ip6[2] | (__u64)sk->src_ip6[3] << 32;
	} else {
		a.w1 = (__u64)sk->src_ip4 << 32;
		if (a.w1)
			a.w1 |= EBN_MAPPED4;
	}
	/* not bound: who it will be is not known */
	if (!a.w0 && !a.w1)
		return false;
	return ebn_svc_source_ok(&a);
}

static __always_inline struct ebn_svc_stat *stat_of(__u32 service)
{
	return bpf_map_lookup_elem(&ebn_svc_stat, &service);
}

static __always_inline bool still_member(const struct ebn_call *c, __u32 row, __u64 w0, __u64 w1)
{
	struct ebn_svc_member_ask m = { .dir = c->v.dir, .set = c->ask.set, .row = row };
	struct ebn_svc_pick p = {};

	/* the row may be another backend's by now */
	return ebn_svc_is_member(&m) && ebn_svc_backend_row(&c->v, row, &p) && p.w0 == w0 && p.w1 == w1;
}

/* The backend a client had, while its affinity lasts. */
static __always_inline bool affinity_get(struct ebn_call *c, struct ebn_aff_key *key)
{
	struct ebn_aff *aff = bpf_map_lookup_elem(&ebn_sock_aff, key);
	__u64 now = bpf_jiffies64();

	if (!aff || now - aff->seen > (__u64)c->ask.affinity * ebn_hz ||
	    !still_member(c, aff->row, aff->be0, aff->be1) || !ebn_svc_backend_row(&c->v, aff->row, &c->pick))
		return false;
	aff->seen = now;
	return true;
}

static __always_inline bool choose(struct ebn_call *c)
{
	struct ebn_aff_key key = { .netns = c->netns, .service = c->ask.service,
				   .family = is_v4(c->ask.w0, c->ask.w1) ? 4 : 6 };
	struct ebn_aff aff = {};

	if (!c->ask.affinity)
		return ebn_svc_draw(&c->v, &c->ask, bpf_get_prandom_u32(), &c->pick);
	if (affinity_get(c, &key))
		return true;
	/* by the client's hash, so that it is the same again when the map has forgotten it */
	if (!ebn_svc_draw(&c->v, &c->ask, ebn_svc_client_hash(c->netns, c->ask.service), &c->pick))
		return false;
	aff.be0 = c->pick.w0;
	aff.be1 = c->pick.w1;
	aff.row = c->pick.row;
	aff.seen = bpf_jiffies64();
	/* refused: the hash says the same next time */
	bpf_map_update_elem(&ebn_sock_aff, &key, &aff, BPF_ANY);
	return true;
}

static __always_inline void count_backend(__u32 row)
{
	__u64 *n = bpf_map_lookup_elem(&ebn_be_stat, &row);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/* 1: c->ask is a service's. 0: not one, -1: no tables. */
static __always_inline int find(struct bpf_sock_addr *ctx, struct ebn_call *c, const bool v6)
{
	if (ebn_view_open(&c->v))
		return -1;
	c->ask.dir = c->v.dir;
	call_dst(ctx, c, v6);
	c->netns = 0;
	if (is_loopback(c->ask.w0, c->ask.w1)) {
		/* another namespace's loopback is not this node's */
		c->netns = bpf_get_netns_cookie(ctx);
		if (c->netns != ebn_node_netns)
			return 0;
		c->ask.nodes_only = 1;
	} else if (!ebn_svc_maybe(&c->v, c->ask.w0, c->ask.w1)) {
		return 0;
	}
	return ebn_svc_find(&c->ask);
}

static __always_inline void way_fill(struct ebn_sock_way *w, const struct ebn_call *c)
{
	w->vip0 = c->ask.w0;
	w->vip1 = c->ask.w1;
	w->be0 = c->pick.w0;
	w->be1 = c->pick.w1;
	w->vip_port = c->vip_port;
	w->be_port = c->pick.port;
	w->row = c->pick.row;
	w->serial = ebn_svc_serial(&c->v, c->ask.set);
	w->service = (__u16)c->ask.service;
	w->counted = ebn_active_socket(w->row);
}

/* It is no longer used. */
static __always_inline void way_done(struct ebn_sock_way *w)
{
	ebn_active_socket_gone(w->row, w->counted);
	w->counted = 0;
}

/* The socket is going to have another peer. */
static __always_inline void peer_done(struct ebn_sock *s)
{
	__u32 i = s->connected - 1;

	if (i < EBN_SOCK_WAYS)
		way_done(&s->way[i]);
	s->connected = 0;
}

/* The way by which this socket reached the frontend before, if its backend is still there. */
static __always_inline bool known(struct ebn_sock *s, struct ebn_call *c, __u32 *ret)
{
	__u32 i;

	for (i = 0; i < EBN_SOCK_WAYS; i++) {
		struct ebn_sock_way *w = &s->way[i];

		if (!w->vip_port || w->vip_port != c->vip_port || w->vip1 != c->ask.w1 || w->vip0 != c->ask.w0)
			continue;
		*ret = i;
		if (w->serial != ebn_svc_serial(&c->v, c->ask.set)) {
			if (!still_member(c, w->row, w->be0, w->be1))
				return false;
			w->serial = ebn_svc_serial(&c->v, c->ask.set);
		}
		c->pick.w0 = w->be0;
		c->pick.w1 = w->be1;
		c->pick.port = w->be_port;
		c->pick.row = w->row;
		return true;
	}
	*ret = s->next++ & (EBN_SOCK_WAYS - 1);
	return false;
}

static __always_inline int no_backend(const struct ebn_call *c)
{
	struct ebn_svc_stat *stat = stat_of(c->ask.service);

	if (stat)
		__sync_fetch_and_add(&stat->no_backend, 1);
	return refuse(c->ask.flags & EBN_SVC_F_SILENT ? EHOSTUNREACH : ECONNREFUSED);
}

/* connect is a constant: of a connect(2), which asks anew each time, or of a sendmsg(2) */
static __always_inline int translate(struct bpf_sock_addr *ctx, const bool v6, const bool connect)
{
	struct ebn_call c = {};
	struct ebn_svc_stat *stat;
	struct bpf_sock *sk = ctx->sk;
	struct ebn_sock *s;
	__u32 at = 0;
	int found;

	c.ask.proto = (__u8)ctx->protocol;
	if (c.ask.proto != IPPROTO_TCP && c.ask.proto != IPPROTO_UDP)
		return ALLOW;
	found = find(ctx, &c, v6);
	if (found <= 0 || !sk) {
		if (found)
			return refuse(ENOBUFS);
		if (connect && sk) {
			/* to somewhere else: what was said of its last peer no longer holds */
			s = bpf_sk_storage_get(&ebn_sock, sk, 0, 0);
			if (s)
				peer_done(s);
		}
		return ALLOW;
	}
	if (!source_ok(sk, &c, v6)) {
		stat = stat_of(c.ask.service);
		if (stat)
			__sync_fetch_and_add(&stat->denied, 1);
		return refuse(EACCES);
	}
	s = bpf_sk_storage_get(&ebn_sock, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!s)
		return refuse(ENOBUFS);
	if (connect)
		peer_done(s);
	if (!known(s, &c, &at) || connect) {
		if (c.ask.affinity && !c.netns)
			c.netns = bpf_get_netns_cookie(ctx);
		if (!choose(&c))
			return no_backend(&c);
		if (!c.pick.port)
			c.pick.port = c.vip_port;
		at &= EBN_SOCK_WAYS - 1;
		way_done(&s->way[at]);
		way_fill(&s->way[at], &c);
		stat = stat_of(c.ask.service);
		if (stat)
			__sync_fetch_and_add(&stat->connections, 1);
		count_backend(c.pick.row);
	}
	if (connect)
		s->connected = at + 1;
	call_rewrite(ctx, v6, c.pick.w0, c.pick.w1, c.pick.port);
	return ALLOW;
}

/*
 * The frontend behind a backend's address, for a socket that was translated. peer: of whom it is connected to, which may be a
 * backend it was also given under another name; else of whom a datagram is from.
 */
static __always_inline int reverse(struct bpf_sock_addr *ctx, const bool v6, const bool peer)
{
	struct bpf_sock *sk = ctx->sk;
	struct ebn_call c = {};
	struct ebn_sock *s;
	__u32 i;

	s = sk ? bpf_sk_storage_get(&ebn_sock, sk, 0, 0) : 0;
	if (!s)
		return ALLOW;
	call_dst(ctx, &c, v6);
	/* the connected one first: two frontends may have one backend */
	i = s->connected - 1;
	if (i < EBN_SOCK_WAYS) {
		struct ebn_sock_way *w = &s->way[i];

		if (w->be_port == c.vip_port && w->be1 == c.ask.w1 && w->be0 == c.ask.w0) {
			call_rewrite(ctx, v6, w->vip0, w->vip1, w->vip_port);
			return ALLOW;
		}
	}
	for (i = 0; !peer && i < EBN_SOCK_WAYS; i++) {
		struct ebn_sock_way *w = &s->way[i];

		if (!w->vip_port || w->be_port != c.vip_port || w->be1 != c.ask.w1 || w->be0 != c.ask.w0)
			continue;
		call_rewrite(ctx, v6, w->vip0, w->vip1, w->vip_port);
		return ALLOW;
	}
	return ALLOW;
}

/* A port that is the node's must not be bound beside it: clients would reach one or the other. */
static __always_inline int bound(struct bpf_sock *sk, const bool v6)
{
	struct ebn_svc_ask ask = { .nodes_only = 1 };
	struct ebn_view v;

	ask.proto = (__u8)sk->protocol;
	if ((ask.proto != IPPROTO_TCP && ask.proto != IPPROTO_UDP) || bpf_get_netns_cookie(sk) != ebn_node_netns)
		return ALLOW;
	/* no tables: no service has the port */
	if (ebn_view_open(&v))
		return ALLOW;
	ask.dir = v.dir;
	ask.port = (__u16)sk->src_port;
	ask.w1 = v6 ? 0 : EBN_MAPPED4;
	return ebn_svc_find(&ask) ? refuse(EADDRINUSE) : ALLOW;
}

SEC("cgroup/sock_release")
int ebn_release(struct bpf_sock *ctx)
{
	struct ebn_sock *s = bpf_sk_storage_get(&ebn_sock, ctx, 0, 0);
	__u32 i;

	for (i = 0; s && i < EBN_SOCK_WAYS; i++)
		way_done(&s->way[i]);
	return ALLOW;
}

SEC("cgroup/connect4")
int ebn_connect4(struct bpf_sock_addr *ctx)
{
	return translate(ctx, false, true);
}

SEC("cgroup/connect6")
int ebn_connect6(struct bpf_sock_addr *ctx)
{
	return translate(ctx, true, true);
}

SEC("cgroup/sendmsg4")
int ebn_sendmsg4(struct bpf_sock_addr *ctx)
{
	return translate(ctx, false, false);
}

SEC("cgroup/sendmsg6")
int ebn_sendmsg6(struct bpf_sock_addr *ctx)
{
	return translate(ctx, true, false);
}

SEC("cgroup/recvmsg4")
int ebn_recvmsg4(struct bpf_sock_addr *ctx)
{
	return reverse(ctx, false, false);
}

SEC("cgroup/recvmsg6")
int ebn_recvmsg6(struct bpf_sock_addr *ctx)
{
	return reverse(ctx, true, false);
}

SEC("cgroup/getpeername4")
int ebn_peer4(struct bpf_sock_addr *ctx)
{
	return reverse(ctx, false, true);
}

SEC("cgroup/getpeername6")
int ebn_peer6(struct bpf_sock_addr *ctx)
{
	return reverse(ctx, true, true);
}

SEC("cgroup/post_bind4")
int ebn_bound4(struct bpf_sock *ctx)
{
	return bound(ctx, false);
}

SEC("cgroup/post_bind6")
int ebn_bound6(struct bpf_sock *ctx)
{
	return bound(ctx, true);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
