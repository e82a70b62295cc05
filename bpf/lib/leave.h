/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Out of the node past the stack: where the kernel's routes lead, what fits there, and the last step. */
#ifndef EBN_LIB_LEAVE_H
#define EBN_LIB_LEAVE_H

#include "lib/deliver.h"
#include "lib/hdr.h"
#include "lib/overlay.h"
#include "lib/run.h"

#define EBN_LEAVE_HOST (-1)	/* the destination is the host itself */
#define EBN_LEAVE_NOWHERE (-2)

/** The device that leads to p's destination, for packets from src: its number, EBN_LEAVE_HOST or EBN_LEAVE_NOWHERE. A call, for the stack. */
__attribute__((noinline)) int ebn_leave_by(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_address *src)
{
	struct bpf_fib_lookup fib = {};
	bool v6;
	int rc;

	if (!p || !src)
		return EBN_LEAVE_NOWHERE;
	v6 = p->v6;
	fib.family = v6 ? EBN_AF_INET6 : EBN_AF_INET;
	fib.ifindex = p->ifindex;
	fib.l4_protocol = p->proto;
	if (v6) {
		__builtin_memcpy(fib.src, src->a, sizeof(fib.src));
		__builtin_memcpy(fib.dst, p->dst, sizeof(fib.dst));
	} else {
		fib.src[0] = src->a[3];
		fib.dst[0] = p->dst[3];
	}
	rc = (int)bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	if (rc == BPF_FIB_LKUP_RET_NOT_FWDED)
		return EBN_LEAVE_HOST;
	if (rc != BPF_FIB_LKUP_RET_SUCCESS && rc != BPF_FIB_LKUP_RET_NO_NEIGH && rc != BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return EBN_LEAVE_NOWHERE;
	return (int)fib.ifindex;
}

/** Is the packet, or what it will be cut into, larger than the device takes? run->mtu says what it takes. */
static __always_inline bool ebn_leave_too_big(struct __sk_buff *skb, struct ebn_run *run, __u32 ifindex)
{
	__u32 mtu = 0;

	bool big = bpf_check_mtu(skb, ifindex, &mtu, 0, BPF_MTU_CHK_SEGS) > 0;

	run->mtu = mtu;
	return big;
}

/** One hop less. False: the packet cannot be written to. */
static __always_inline bool ebn_leave_hop(struct __sk_buff *skb, const bool v6)
{
	struct ebn_eth *eth = ebn_data(skb);

	if (v6) {
		struct ebn_ip6 *ip = (struct ebn_ip6 *)(eth + 1);

		if ((void *)(ip + 1) > ebn_data_end(skb))
			return false;
		ip->ttl--;
	} else {
		struct ebn_ip4 *ip = (struct ebn_ip4 *)(eth + 1);

		if ((void *)(ip + 1) > ebn_data_end(skb))
			return false;
		ebn_hop4(ip);
	}
	return true;
}

#endif
