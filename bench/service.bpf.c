// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Beside the socket programs: nothing at all, and what one does with hash maps. */
#include "ebn_types.h"

#include <bpf/bpf_helpers.h>

struct service_key {
	__u32 addr;
	__u16 port;
	__u8 proto;
	__u8 slot;
};

struct service_peer {
	__u64 cookie;
	__u32 addr;
	__u32 port;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct service_key);
	__type(value, __u64);
} bench_service SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u64);
} bench_backend SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct service_peer);
	__type(value, __u64);
} bench_peer SEC(".maps");

SEC("cgroup/connect4")
int bench_empty4(struct bpf_sock_addr *ctx)
{
	(void)ctx;
	return 1;
}

SEC("cgroup/connect4")
int bench_hash4(struct bpf_sock_addr *ctx)
{
	struct service_key key = { .addr = ctx->user_ip4, .port = (__u16)ctx->user_port, .proto = 17 };
	struct service_peer peer = {};
	__u64 *count, *slot, *backend;
	__u32 id;

	count = bpf_map_lookup_elem(&bench_service, &key);
	if (!count)
		return 1;
	key.slot = 1 + bpf_get_prandom_u32() % (*count ? (__u32)*count : 1);
	slot = bpf_map_lookup_elem(&bench_service, &key);
	if (!slot)
		return 0;
	id = (__u32)*slot;
	backend = bpf_map_lookup_elem(&bench_backend, &id);
	if (!backend)
		return 0;
	peer.cookie = bpf_get_socket_cookie(ctx);
	peer.addr = (__u32)*backend;
	peer.port = (__u32)(*backend >> 32);
	bpf_map_update_elem(&bench_peer, &peer, slot, BPF_ANY);
	ctx->user_ip4 = peer.addr;
	ctx->user_port = peer.port;
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
