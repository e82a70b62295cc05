/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Translation: another address and port for one end of a packet, with every checksum that stands on them.
 *
 *	struct ebn_rewrite w: from, to, from_port, to_port
 *	ebn_rewrite4(skb, p, &w, side)		side: 0 the packet's source, 1 its destination
 *	0, or the reason for a drop: the packet may be half changed then
 *
 * The packet is one that ebn_pkt_*() and, for an ICMP error, ebn_icmp*_inner() have parsed; p itself is left as it is. For
 * both ends, two calls. What is changed, by kind:
 *
 *	TCP, UDP	address, port; a UDP checksum of zero stays zero, and none becomes zero
 *	SCTP		address, port; the CRC32c is changed by what the difference makes of it, without reading the packet
 *	ICMP echo	address, identifier
 *	others		the address alone; who calls knows that no checksum covers it
 *	later fragments	the address alone: checksums are in the first one
 *	ICMP errors	the outer address when it is the same end's; in the packet inside the other end's address and port, its
 *			checksums as far as it is quoted (never its CRC32c), and the error's own checksum over all that
 *
 * Checksums. A packet's checksum may be whole, a sum over the pseudo header that the device completes (CHECKSUM_PARTIAL), or the
 * device may have summed up all of the frame (CHECKSUM_COMPLETE). bpf_l4_csum_replace() knows which, at the price of two calls a
 * packet, the pseudo header's part marked as such; where programs can tell, they call it for a frame's sum only. In that sum
 * the IPv4 header's change and its checksum's cancel out; an IPv6 header has none, so its change is told by bpf_csum_update().
 * Device or not, the CRC32c is made of the field's old value: where a device completes it, what is there does not count.
 */
#ifndef EBN_LIB_REWRITE_H
#define EBN_LIB_REWRITE_H

#include "lib/config.h"
#include "lib/icmp.h"
#include "lib/pkt.h"

#include <bpf/bpf_core_read.h>

/** Addresses are 16 bytes, IPv4 mapped; ports, or ICMP identifiers, in network order. Equal ports: none is changed. */
struct ebn_rewrite {
	__u32 from[4];
	__u32 to[4];
	__u16 from_port;
	__u16 to_port;
	/* not the caller's */
	__u32 diff;		/* what the addresses' change adds to a sum */
	__u32 places;		/* EBN_PLACES_OF() */
};

/* In a transport header: the port that changes, the checksum; and flags of bpf_l4_csum_replace(). */
#define EBN_PLACES_OF(port, check, flags) ((port) | (check) << 8 | (flags) << 16)

/* ---- sums in ones' complement, of 16-bit words as they are on the wire ---- */

static __always_inline __u32 ebn_sum_fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32 & 0xffff) + (sum >> 48);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u32)((sum & 0xffff) + (sum >> 16));
}

/** What replacing a 32-bit word, or a 16-bit one, adds to a sum. */
static __always_inline __u64 ebn_sum_diff(__u32 from, __u32 to)
{
	return (__u64)to + (__u32)~from;
}

static __always_inline __u64 ebn_sum_diff16(__u16 from, __u16 to)
{
	return (__u64)to + (__u16)~from;
}

/** A checksum behind a change of what it stands on (RFC 1624). */
static __always_inline __u16 ebn_sum_fix(__u16 check, __u64 diff)
{
	return (__u16)~ebn_sum_fold((__u64)(__u16)~check + diff);
}

static __always_inline __u64 ebn_rewrite_diff(const struct ebn_rewrite *w, const bool v6)
{
	if (!v6)
		return ebn_sum_diff(w->from[3], w->to[3]);
	return ebn_sum_diff(w->from[0], w->to[0]) + ebn_sum_diff(w->from[1], w->to[1]) +
	       ebn_sum_diff(w->from[2], w->to[2]) + ebn_sum_diff(w->from[3], w->to[3]);
}

/* ---- who completes the checksum ---- */

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

/** CHECKSUM_*, or -1: this kernel does not say. */
static __always_inline int ebn_summed(struct __sk_buff *skb)
{
	struct sk_buff *kernel;

	/* FALLBACK(until baseline >= 6.2): bpf_l4_csum_replace(), which knows */
	if (!ebn_cfg.kernel_skb)
		return -1;
	kernel = bpf_cast_to_kern_ctx(skb);
	return (int)BPF_CORE_READ_BITFIELD(kernel, ip_summed);
}

/* ---- CRC32c, reflected as SCTP uses it ---- */

#define EBN_CRC32C_POLY 0x82f63b78u

/* x^(8 * 2^i) modulo the polynomial: what 2^i more bytes behind a word make of its remainder. */
static const volatile __u32 ebn_crc32c_power[16] = {
	0x00800000, 0x00008000, 0x82f63b78, 0x6ea2d55c, 0x18b8ea18, 0x510ac59a, 0xb82be955, 0xb8fdb1e7,
	0x88e56f72, 0x74c360a4, 0xe4172b16, 0x0d65762a, 0x35d73a62, 0x28461564, 0xbf455269, 0xe2ea32dc,
};

/* The product of two polynomials, modulo. Verifier: without branches, thirty-two of them would be 2^32 paths. */
__noinline __u32 ebn_crc32c_times(__u32 first, __u32 second)
{
	__u64 a = first, b = second, product = 0, bit;
	int i;

#pragma clang loop unroll(disable)
	for (i = 31; i >= 0; i--) {
		bit = a >> i & 1;
		asm volatile("" : "+r"(bit));
		product ^= b * bit;
		bit = b & 1;
		asm volatile("" : "+r"(bit));
		b = b >> 1 ^ EBN_CRC32C_POLY * bit;
	}
	return (__u32)product;
}

/** What a change of four bytes, as a word of the wire, makes of the CRC32c of a message with `behind` bytes after them. */
__noinline __u32 ebn_crc32c_diff(__u32 word, __u32 behind)
{
	__u32 crc = word, i;

	/* four zero bytes through the register: the word's own remainder */
	crc = ebn_crc32c_times(crc, ebn_crc32c_power[2]);
#pragma clang loop unroll(disable)
	for (i = 0; i < 16; i++)
		if (behind >> i & 1)
			crc = ebn_crc32c_times(crc, ebn_crc32c_power[i]);
	return crc;
}

/* ---- the packet itself ---- */

/* Address and header checksum. Changes no packet pointers. */
static __always_inline bool ebn_rewrite_ip4(struct __sk_buff *skb, const struct ebn_rewrite *w, __u32 side)
{
	struct ebn_ip4 *ip = ebn_data(skb) + EBN_ETH_LEN;

	if ((void *)(ip + 1) > ebn_data_end(skb))
		return false;
	ip->check = ebn_sum_fix(ip->check, w->diff);
	if (side)
		ip->dst = w->to[3];
	else
		ip->src = w->to[3];
	return true;
}

static __always_inline bool ebn_rewrite_ip6(struct __sk_buff *skb, const struct ebn_rewrite *w, __u32 side)
{
	struct ebn_ip6 *ip = ebn_data(skb) + EBN_ETH_LEN;
	__u32 *to;

	if ((void *)(ip + 1) > ebn_data_end(skb))
		return false;
	to = side ? ip->dst : ip->src;
	to[0] = w->to[0];
	to[1] = w->to[1];
	to[2] = w->to[2];
	to[3] = w->to[3];
	/* the frame's own sum: no header checksum makes up for the address */
	if (!ebn_cfg.kernel_skb || ebn_summed(skb) == CHECKSUM_COMPLETE)
		bpf_csum_update(skb, w->diff);
	return true;
}

/* The checksum itself, where it is known what it is and no other sum stands on it. False: the kernel's to do. */
static __always_inline bool ebn_rewrite_plain(struct __sk_buff *skb, __u32 at, const struct ebn_rewrite *w, __u32 flags)
{
	int summed = ebn_summed(skb);
	__u16 *check;

	/* verifier: bounds the offset */
	check = ebn_data(skb) + (at & 1023);
	if (summed < 0 || summed == CHECKSUM_COMPLETE || (void *)(check + 1) > ebn_data_end(skb))
		return 0;
	if (summed == CHECKSUM_PARTIAL) {
		*check = (__u16)ebn_sum_fold((__u64)*check + w->diff);
		return true;
	}
	if (!*check && flags)
		return true;
	*check = ebn_sum_fix(*check, w->diff + ebn_sum_diff16(w->from_port, w->to_port));
	if (!*check && flags)
		*check = 0xffff;
	return true;
}

/* The pseudo header's part of a transport checksum, then the port's. flags: BPF_F_MARK_MANGLED_0 or 0. */
static __always_inline bool ebn_rewrite_sum(struct __sk_buff *skb, __u32 at, const struct ebn_rewrite *w, __u32 flags,
					    const bool v6)
{
	if (ebn_rewrite_plain(skb, at, w, flags))
		return true;
	if (v6) {
		if (bpf_l4_csum_replace(skb, at, 0, w->diff, flags | BPF_F_PSEUDO_HDR))
			return false;
	} else if (bpf_l4_csum_replace(skb, at, w->from[3], w->to[3], flags | BPF_F_PSEUDO_HDR | 4)) {
		return false;
	}
	if (w->from_port == w->to_port)
		return true;
	return !bpf_l4_csum_replace(skb, at, w->from_port, w->to_port, flags | 2);
}

/* Not 0: it cannot be written to. */
__attribute__((noinline)) int ebn_store16(struct __sk_buff *skb, __u32 at, __u16 v)
{
	__u16 *to;

	/* verifier: bounds the offset */
	at &= 1023;
	to = ebn_data(skb) + at;
	if ((void *)(to + 1) <= ebn_data_end(skb)) {
		*to = v;
		return 0;
	}
	return bpf_skb_store_bytes(skb, at, &v, sizeof(v), 0);
}

/* Port and checksum of an SCTP packet. The CRC does not cover addresses. */
static __always_inline bool ebn_rewrite_sctp(struct __sk_buff *skb, const struct ebn_pkt *p,
					     const struct ebn_rewrite *w, __u32 side)
{
	__u32 off = p->l4_off & EBN_L4_OFF_MAX, change = (__u16)(w->from_port ^ w->to_port), check;

	if (!change)
		return true;
	if (p->l4_len < 12 || bpf_skb_load_bytes(skb, off + 8, &check, sizeof(check)))
		return false;
	/* the ports are the first word; the first byte of the wire is the low one, as the reflected CRC has it */
	check ^= ebn_crc32c_diff(change << 16 * side, p->l4_len - 4);
	return !ebn_store16(skb, off + 2 * side, w->to_port) &&
	       !bpf_skb_store_bytes(skb, off + 8, &check, sizeof(check), 0);
}

static __always_inline bool ebn_rewrite_l4(struct __sk_buff *skb, const struct ebn_pkt *p, struct ebn_rewrite *w,
					   __u32 side, const bool v6)
{
	__u32 off = p->l4_off & EBN_L4_OFF_MAX;

	/* verifier: by way of memory, what is behind is the same for all of them */
	switch (p->proto) {
	case EBN_PROTO_TCP:
		EBN_WRITE(w->places, EBN_PLACES_OF(2 * side, 16, 0));
		break;
	case EBN_PROTO_UDP:
		EBN_WRITE(w->places, EBN_PLACES_OF(2 * side, 6, BPF_F_MARK_MANGLED_0));
		break;
	case EBN_PROTO_SCTP:
		return ebn_rewrite_sctp(skb, p, w, side);
	case EBN_PROTO_ICMP6:
		EBN_WRITE(w->places, EBN_PLACES_OF(4, 2, 0));
		break;
	case EBN_PROTO_ICMP:
		if (w->from_port == w->to_port)
			return true;
		return !ebn_store16(skb, off + 4, w->to_port) &&
		       !bpf_l4_csum_replace(skb, off + 2, w->from_port, w->to_port, 2);
	default:
		return true;
	}
	side = EBN_READ(w->places);
	if (w->from_port != w->to_port && ebn_store16(skb, off + (side & 0xff), w->to_port))
		return false;
	return ebn_rewrite_sum(skb, off + (side >> 8 & 0xff), w, side >> 16, v6);
}

/* ---- the packet inside an ICMP error ---- */

/* A 16-bit word of it: stored, and its change added to the sum. */
static __always_inline bool ebn_inner16(struct __sk_buff *skb, __u32 at, __u16 from, __u16 to, __u64 *sum)
{
	*sum += ebn_sum_diff16(from, to);
	return !ebn_store16(skb, at, to);
}

/* Port and checksum of the quoted transport header. diff: what the addresses' change makes of a pseudo header. */
static __always_inline bool ebn_inner_rewrite_l4(struct __sk_buff *skb, const struct ebn_pkt *p,
						 const struct ebn_rewrite *w, __u32 side, __u64 diff, __u64 *sum)
{
	__u32 off = p->inner_off, at = off + 2 * side, check = off + 6, have = p->l4_off + p->l4_len - off;
	__u16 is, was;

	switch (p->proto) {
	case EBN_PROTO_TCP:
		check = off + 16;
		break;
	case EBN_PROTO_UDP:
		break;
	case EBN_PROTO_ICMP:
		diff = 0;
		at = off + 4;
		check = off + 2;
		break;
	case EBN_PROTO_ICMP6:
		at = off + 4;
		check = off + 2;
		break;
	case EBN_PROTO_SCTP:
		/* the CRC covers what is not quoted, and nobody checks it */
		check = 0;
		break;
	default:
		return true;
	}
	if (bpf_skb_load_bytes(skb, at, &was, sizeof(was)) || !ebn_inner16(skb, at, was, w->to_port, sum))
		return false;
	if (!check || check + 2 - off > have || bpf_skb_load_bytes(skb, check, &is, sizeof(is)))
		return true;
	if (p->proto == EBN_PROTO_UDP && !is)
		return true;
	was = is;
	is = ebn_sum_fix(is, diff + ebn_sum_diff16(w->from_port, w->to_port));
	if (p->proto == EBN_PROTO_UDP && !is)
		is = 0xffff;
	return ebn_inner16(skb, check, was, is, sum);
}

static __always_inline bool ebn_inner_rewrite4(struct __sk_buff *skb, const struct ebn_pkt *p,
					       const struct ebn_rewrite *w, __u32 side)
{
	__u32 off = (p->l4_off & EBN_L4_OFF_MAX) + EBN_ICMP_HEAD, addr = w->to[3];
	__u64 diff = w->diff, sum = diff;
	struct ebn_ip4 ip;

	if (bpf_skb_load_bytes(skb, off, &ip, sizeof(ip)) ||
	    bpf_skb_store_bytes(skb, off + 12 + 4 * side, &addr, sizeof(addr), 0) ||
	    !ebn_inner16(skb, off + 10, ip.check, ebn_sum_fix(ip.check, diff), &sum) ||
	    !ebn_inner_rewrite_l4(skb, p, w, side, diff, &sum))
		return false;
	return !bpf_l4_csum_replace(skb, (p->l4_off & EBN_L4_OFF_MAX) + 2, 0, ebn_sum_fold(sum), 0);
}

static __always_inline bool ebn_inner_rewrite6(struct __sk_buff *skb, const struct ebn_pkt *p,
					       const struct ebn_rewrite *w, __u32 side)
{
	__u32 off = (p->l4_off & EBN_L4_OFF_MAX) + EBN_ICMP_HEAD;
	__u64 diff = w->diff, sum = diff;

	if (bpf_skb_store_bytes(skb, off + 8 + 16 * side, w->to, sizeof(w->to), 0) ||
	    !ebn_inner_rewrite_l4(skb, p, w, side, diff, &sum))
		return false;
	return !bpf_l4_csum_replace(skb, (p->l4_off & EBN_L4_OFF_MAX) + 2, 0, ebn_sum_fold(sum), 0);
}

/* In an error the end is the other one: it goes to who sent what it quotes. The outer address may be a third party's. */
static __always_inline enum ebn_reason ebn_rewrite_error(struct __sk_buff *skb, const struct ebn_pkt *p,
							 const struct ebn_rewrite *w, __u32 side, const bool v6)
{
	const __u32 *outer = side ? p->dst : p->outer;

	if (ebn_addr_eq6(outer, w->from)) {
		if (!(v6 ? ebn_rewrite_ip6(skb, w, side) : ebn_rewrite_ip4(skb, w, side)))
			return EBN_R_WRITE;
		if (v6 && bpf_l4_csum_replace(skb, (p->l4_off & EBN_L4_OFF_MAX) + 2, 0, w->diff, BPF_F_PSEUDO_HDR))
			return EBN_R_WRITE;
	}
	if (!(v6 ? ebn_inner_rewrite6(skb, p, w, side ^ 1) : ebn_inner_rewrite4(skb, p, w, side ^ 1)))
		return EBN_R_WRITE;
	return EBN_R_NONE;
}

static __always_inline enum ebn_reason ebn_rewrite(struct __sk_buff *skb, const struct ebn_pkt *p,
						   struct ebn_rewrite *w, __u32 side, const bool v6)
{
	side &= 1;
	w->diff = ebn_sum_fold(ebn_rewrite_diff(w, v6));
	if (p->evf & EBN_EVF_RELATED)
		return ebn_rewrite_error(skb, p, w, side, v6);
	if (!(v6 ? ebn_rewrite_ip6(skb, w, side) : ebn_rewrite_ip4(skb, w, side)))
		return EBN_R_WRITE;
	if (p->frag == EBN_FRAG_LATER)
		return EBN_R_NONE;
	return ebn_rewrite_l4(skb, p, w, side, v6) ? EBN_R_NONE : EBN_R_WRITE;
}

__attribute__((noinline)) int ebn_rewrite4(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_rewrite *w, __u32 side)
{
	return p && w ? (int)ebn_rewrite(skb, p, w, side, false) : EBN_R_TABLES;
}

__attribute__((noinline)) int ebn_rewrite6(struct __sk_buff *skb, struct ebn_pkt *p, struct ebn_rewrite *w, __u32 side)
{
	return p && w ? (int)ebn_rewrite(skb, p, w, side, true) : EBN_R_TABLES;
}

#endif
