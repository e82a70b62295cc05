/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/**
 * @file features.h
 * What this kernel can do, found by trying it. Kernel versions are never compared.
 */
#ifndef EBPFNET_FEATURES_H
#define EBPFNET_FEATURES_H

#include <stdint.h>
#include <ebpfnet/common.h>
#include <ebpfnet/ctx.h>

EBPFNET_BEGIN_DECLS

/** Values are ABI: append only. */
enum ebpfnet_feature {
	EBPFNET_FEATURE_BTF,		/**< required: /sys/kernel/btf/vmlinux */
	EBPFNET_FEATURE_CMPXCHG,	/**< required: BPF compare-and-swap and exchange (5.12) */
	EBPFNET_FEATURE_RINGBUF,	/**< required: BPF ring buffer (5.8) */
	EBPFNET_FEATURE_MMAP_ARRAY,	/**< required: mapped BPF arrays (5.5) */
	EBPFNET_FEATURE_JIFFIES,	/**< required: bpf_jiffies64() (5.6) */
	EBPFNET_FEATURE_REDIRECT_PEER,	/**< required: bpf_redirect_peer() (5.10) */
	EBPFNET_FEATURE_LARGE_VALUE,	/**< an array value of tens of MB: the node tables */
	EBPFNET_FEATURE_TCX,		/**< tcx links (6.6); else clsact filters stay */
	EBPFNET_FEATURE_NETKIT,		/**< netkit pairs (6.7); else veth */
	EBPFNET_FEATURE_XDP,		/**< XDP links */
	EBPFNET_FEATURE_CGROUP_SOCK_ADDR, /**< programs on connect(2) and its kin */
	EBPFNET_FEATURE_SK_LOOKUP,
	EBPFNET_FEATURE_MEMBARRIER,	/**< membarrier(2) global; else a map-in-map update waits for RCU */
	EBPFNET_FEATURE_KTIME_COARSE,	/**< required: bpf_ktime_get_coarse_ns() (5.11) */
	EBPFNET_FEATURE_SKB_DYNPTR,	/**< bpf_dynptr_from_skb() kfunc (6.4) */
	EBPFNET_FEATURE_GENEVE,		/**< Geneve devices (4.3, module geneve); else the overlay is VXLAN */
	EBPFNET_FEATURE_LOOP,		/**< required: bpf_loop() (5.17) */
	EBPFNET_FEATURE_MAX
};

/**
 * Is @p feature there? The first call tries it, later ones remember.
 * @return 1 yes, 0 no (or masked by ebpfnet_ctx_opts.disable_features), or
 *   -EINVAL	ctx is NULL or the number is not known
 *   -EPERM	this process may not try: CAP_BPF or CAP_NET_ADMIN is missing
 *   -ENOMEM	memory or file descriptors ran out while trying
 * @since 0.1
 */
EBPFNET_API int ebpfnet_feature_supported(struct ebpfnet_ctx *ctx, enum ebpfnet_feature feature);

/** Short name such as "tcx", or NULL for a number that is not known. Static string. @since 0.1 */
EBPFNET_API const char *ebpfnet_feature_name(enum ebpfnet_feature feature);

/** One line about it and the fallback used without it, or NULL. Static string. @since 0.1 */
EBPFNET_API const char *ebpfnet_feature_description(enum ebpfnet_feature feature);

/** 1 when the datapath cannot run without it, 0 when there is a fallback, -EINVAL. @since 0.1 */
EBPFNET_API int ebpfnet_feature_required(enum ebpfnet_feature feature);

/**
 * Tries all required features.
 * @param diag	names each missing one; may be NULL
 * @return 0, or
 *   -EOPNOTSUPP	at least one is missing
 *   -EPERM, -EINVAL, -ENOMEM as ebpfnet_feature_supported()
 * @since 0.1
 */
EBPFNET_API int ebpfnet_features_check(struct ebpfnet_ctx *ctx, struct ebpfnet_diag *diag);

EBPFNET_END_DECLS
#endif
