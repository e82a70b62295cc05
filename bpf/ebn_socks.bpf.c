// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which sockets stand behind a translation: a record (struct ebn_socks_record) for each that was connected through a service,
 * read by way of the map of sockets' storage. sock_diag(7) tells storage of TCP sockets alone.
 */
#include "ebn_sock.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct seq_file;
struct bpf_map;

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct sock_common {
	struct {
		__s64 counter;
	} skc_cookie;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
} __attribute__((preserve_access_index));

SEC("iter/bpf_sk_storage_map")
int ebn_socks(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct ebn_socks_record r = {};
	const struct ebn_sock *k = ctx->value;
	struct sock *sk = ctx->sk;
	__u32 i;

	/* the last call has neither */
	if (!sk || !k)
		return 0;
	r.cookie = (__u64)sk->__sk_common.skc_cookie.counter;
	/* verifier: storage is read at constant offsets */
#pragma unroll
	for (i = 0; i < EBN_SOCK_WAYS; i++) {
		if (k->connected != i + 1)
			continue;
		r.be0 = k->way[i].be0;
		r.be1 = k->way[i].be1;
		r.port = k->way[i].be_port;
	}
	if (!r.port)
		return 0;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
