// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Features are found by trying them through bare system calls: libbpf's wrappers may raise resource limits, keep
 * process-wide caches and print.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/membarrier.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "core/features.h"

/* Newer than the oldest headers this builds with. The numbers are the kernel's ABI. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_NETKIT_PRIMARY 54
#define HELPER_JIFFIES64 118
#define HELPER_REDIRECT_PEER 155
#define HELPER_KTIME_GET_COARSE_NS 160
#define HELPER_LOOP 181

#define LARGE_VALUE_BYTES (32u << 20)
/* No interface ever has this index. */
#define NO_IFINDEX 0x7fffffff
#define PROG_LOAD_TRIES 5

static long sys_bpf(int cmd, union bpf_attr *attr, unsigned int size)
{
	long rc = syscall(SYS_bpf, cmd, attr, size);

	return rc < 0 ? -errno : rc;
}

/* The outcome of a try: 1, 0, or an error that says nothing about the feature. */
static int verdict(long rc)
{
	switch (rc) {
	case -EPERM:
	case -EACCES: /* a security module; the programs here give the verifier no cause for it */
		return -EPERM;
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
	case -EAGAIN:
		return -ENOMEM;
	default:
		return rc >= 0;
	}
}

/* Like verdict() for a call that returned an fd. */
static int verdict_fd(long fd)
{
	if (fd >= 0)
		close((int)fd);
	return verdict(fd);
}

static int try_map(unsigned int type, unsigned int key, unsigned int value, unsigned int max, unsigned int flags)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = type;
	attr.key_size = key;
	attr.value_size = value;
	attr.max_entries = max;
	attr.map_flags = flags;
	return verdict_fd(sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr)));
}

/* A descriptor, or why not. */
static long load_prog(unsigned int type, unsigned int attach, const struct bpf_insn *insns, size_t n)
{
	union bpf_attr attr;
	long fd = -EAGAIN;
	int i;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = type;
	attr.expected_attach_type = attach;
	attr.insns = (uint64_t)(uintptr_t)insns;
	attr.insn_cnt = (uint32_t)n;
	attr.license = (uint64_t)(uintptr_t)"Dual BSD/GPL";
	/* the verifier gives up with EAGAIN when a signal is pending */
	for (i = 0; i < PROG_LOAD_TRIES && fd == -EAGAIN; i++)
		fd = sys_bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
	return fd;
}

static int try_prog(unsigned int type, unsigned int attach, const struct bpf_insn *insns, size_t n)
{
	return verdict_fd(load_prog(type, attach, insns, n));
}

#define INSN(c, d, s, o, i) ((struct bpf_insn){ .code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) })
#define MOV_IMM(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define MOV_REG(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD_IMM(d, i) INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define STORE_IMM(d, o, i) INSN(BPF_ST | BPF_MEM | BPF_DW, d, 0, o, i)
#define ATOMIC(d, s, o, op) INSN(BPF_STX | BPF_ATOMIC | BPF_DW, d, s, o, op)
#define CALL(id) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, id)
#define CALL_KFUNC(id) INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, id)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

#define TRY_PROG(type, attach, ...)                                                                        \
	({                                                                                                 \
		const struct bpf_insn insns_[] = { __VA_ARGS__ };                                          \
		try_prog(type, attach, insns_, EBN_ARRAY_SIZE(insns_));                                    \
	})

static int probe_btf(void)
{
	_close_ int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	uint16_t magic = 0;

	if (fd < 0)
		return errno == EACCES ? -EPERM : verdict(-errno);
	return read(fd, &magic, sizeof(magic)) == (ssize_t)sizeof(magic) && magic == 0xeb9f;
}

static int probe_cmpxchg(void)
{
	return TRY_PROG(BPF_PROG_TYPE_SCHED_CLS, 0,
			STORE_IMM(BPF_REG_10, -8, 0),
			MOV_IMM(BPF_REG_0, 0),
			MOV_IMM(BPF_REG_1, 1),
			ATOMIC(BPF_REG_10, BPF_REG_1, -8, BPF_CMPXCHG),
			ATOMIC(BPF_REG_10, BPF_REG_1, -8, BPF_XCHG),
			MOV_IMM(BPF_REG_0, 0),
			EXIT());
}

static int probe_ringbuf(void)
{
	return try_map(BPF_MAP_TYPE_RINGBUF, 0, 0, (unsigned int)sysconf(_SC_PAGESIZE), 0);
}

static int probe_mmap_array(void)
{
	return try_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE);
}

static int probe_jiffies(void)
{
	return TRY_PROG(BPF_PROG_TYPE_SCHED_CLS, 0, CALL(HELPER_JIFFIES64), MOV_IMM(BPF_REG_0, 0), EXIT());
}

static int probe_redirect_peer(void)
{
	return TRY_PROG(BPF_PROG_TYPE_SCHED_CLS, 0,
			MOV_IMM(BPF_REG_1, 1),
			MOV_IMM(BPF_REG_2, 0),
			CALL(HELPER_REDIRECT_PEER),
			MOV_IMM(BPF_REG_0, 0),
			EXIT());
}

static int probe_large_value(void)
{
	return try_map(BPF_MAP_TYPE_ARRAY, 4, LARGE_VALUE_BYTES, 1, BPF_F_MMAPABLE);
}

/*
 * Asks for the programs on a device that does not exist: a kernel that knows the attach type looks for the device and
 * says ENODEV, one that does not says EINVAL. Attaching would wait for RCU.
 */
static int try_query(unsigned int attach)
{
	union bpf_attr attr;
	long rc;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = NO_IFINDEX;
	attr.query.attach_type = attach;
	rc = sys_bpf(BPF_PROG_QUERY, &attr, sizeof(attr));
	return rc == -ENODEV ? 1 : verdict(rc);
}

static int probe_tcx(void)
{
	return try_query(ATTACH_TCX_INGRESS);
}

static int probe_netkit(void)
{
	return try_query(ATTACH_NETKIT_PRIMARY);
}

/* The attach type came with XDP links, and a kernel without them refuses to load for it. */
static int probe_xdp(void)
{
	return TRY_PROG(BPF_PROG_TYPE_XDP, BPF_XDP, MOV_IMM(BPF_REG_0, XDP_PASS), EXIT());
}

static int probe_cgroup_sock_addr(void)
{
	return TRY_PROG(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT, MOV_IMM(BPF_REG_0, 1), EXIT());
}

static int probe_sk_lookup(void)
{
	return TRY_PROG(BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, MOV_IMM(BPF_REG_0, SK_PASS), EXIT());
}

/* The kernel leaves the command out of the answer where it would refuse it (nohz_full). A refused query is as good. */
static int probe_membarrier(void)
{
	long mask = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	return mask >= 0 && mask & MEMBARRIER_CMD_GLOBAL;
}

static int probe_ktime_coarse(void)
{
	return TRY_PROG(BPF_PROG_TYPE_SCHED_CLS, 0, CALL(HELPER_KTIME_GET_COARSE_NS), MOV_IMM(BPF_REG_0, 0), EXIT());
}

/* A call that works needs a function with type information. One without arguments is refused by another error where the helper is. */
static int probe_loop(void)
{
	const struct bpf_insn insns[] = { CALL(HELPER_LOOP), MOV_IMM(BPF_REG_0, 0), EXIT() };
	long r = load_prog(BPF_PROG_TYPE_SCHED_CLS, 0, insns, EBN_ARRAY_SIZE(insns));

	return r == -EACCES ? 1 : verdict_fd(r);
}

static int probe_skb_dynptr(void)
{
	int id = ebn_btf_func_id("bpf_dynptr_from_skb");

	if (id <= 0)
		return id;
	return TRY_PROG(BPF_PROG_TYPE_SCHED_CLS, 0,
			MOV_IMM(BPF_REG_2, 0),
			MOV_REG(BPF_REG_3, BPF_REG_10),
			ADD_IMM(BPF_REG_3, -16),
			CALL_KFUNC(id),
			MOV_IMM(BPF_REG_0, 0),
			EXIT());
}

/*
 * Asks for a device of a kind without saying what it should be like. A kernel that knows the kind misses that and says EINVAL;
 * one that does not, and finds no module, says EOPNOTSUPP. Nothing is made either way.
 */
static int try_link_kind(const char *kind)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg ifm;
		struct rtattr info, kind;
		char name[16];
	} req = {
		.h = { .nlmsg_len = sizeof(req), .nlmsg_type = RTM_NEWLINK,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL },
		.info = { .rta_len = sizeof(req) - offsetof(__typeof__(req), info), .rta_type = IFLA_LINKINFO },
		.kind = { .rta_len = sizeof(req) - offsetof(__typeof__(req), kind), .rta_type = IFLA_INFO_KIND },
	};
	_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr h;
		struct nlmsgerr err;
		char more[512];
	} answer;
	ssize_t n;

	if (fd < 0)
		return verdict(-errno);
	ebn_format(req.name, sizeof(req.name), "%s", kind);
	if (send(fd, &req, sizeof(req), 0) < 0)
		return verdict(-errno);
	do
		n = recv(fd, &answer, sizeof(answer), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return verdict(-errno);
	if ((size_t)n < sizeof(answer.h) + sizeof(answer.err) || answer.h.nlmsg_type != NLMSG_ERROR)
		return 0;
	return answer.err.error == -EINVAL ? 1 : verdict(answer.err.error);
}

static int probe_geneve(void)
{
	return try_link_kind("geneve");
}

int ebn_probe_kernel_skb(void)
{
	int id = ebn_btf_func_id("bpf_cast_to_kern_ctx");

	if (id <= 0)
		return id;
	return TRY_PROG(BPF_PROG_TYPE_SCHED_CLS, 0, CALL_KFUNC(id), MOV_IMM(BPF_REG_0, 0), EXIT());
}

int ebn_probe_pace(void)
{
	return TRY_PROG(BPF_PROG_TYPE_SCHED_CLS, 0, MOV_IMM(BPF_REG_2, 0), MOV_IMM(BPF_REG_3, 0),
			CALL(BPF_FUNC_skb_set_tstamp), MOV_IMM(BPF_REG_0, 0), EXIT());
}

static const struct {
	const char *name;
	const char *description;
	bool required;
	int (*probe)(void);
} features[] = {
#define FEATURE(id, name, required, probe, description) \
	[EBPFNET_FEATURE_##id] = { name, description, required, probe }
	FEATURE(BTF, "btf", true, probe_btf, "kernel type information in /sys/kernel/btf/vmlinux"),
	FEATURE(CMPXCHG, "cmpxchg", true, probe_cmpxchg, "BPF compare-and-swap and exchange (Linux 5.12)"),
	FEATURE(RINGBUF, "ringbuf", true, probe_ringbuf, "BPF ring buffer (Linux 5.8)"),
	FEATURE(MMAP_ARRAY, "mmap-array", true, probe_mmap_array, "BPF arrays mapped into memory (Linux 5.5)"),
	FEATURE(JIFFIES, "jiffies", true, probe_jiffies, "helper bpf_jiffies64() (Linux 5.6)"),
	FEATURE(REDIRECT_PEER, "redirect-peer", true, probe_redirect_peer,
		"helper bpf_redirect_peer() (Linux 5.10)"),
	FEATURE(LARGE_VALUE, "large-value", true, probe_large_value, "array values of tens of MB"),
	FEATURE(TCX, "tcx", false, probe_tcx, "tcx links (Linux 6.6); without, clsact filters stay"),
	FEATURE(NETKIT, "netkit", false, probe_netkit, "netkit pairs (Linux 6.7); without, veth is used"),
	FEATURE(XDP, "xdp", false, probe_xdp, "XDP links; without, device programs run at tc"),
	FEATURE(CGROUP_SOCK_ADDR, "cgroup-sock-addr", false, probe_cgroup_sock_addr,
		"programs on connect(2) and its kin; without, services are translated per packet"),
	FEATURE(SK_LOOKUP, "sk-lookup", false, probe_sk_lookup,
		"programs that choose the listening socket; without, proxies bind their own ports"),
	FEATURE(MEMBARRIER, "membarrier", false, probe_membarrier,
		"membarrier(2) global; without, a map-in-map update waits for RCU"),
	FEATURE(KTIME_COARSE, "ktime-coarse", true, probe_ktime_coarse,
		"helper bpf_ktime_get_coarse_ns() (Linux 5.11)"),
	FEATURE(SKB_DYNPTR, "skb-dynptr", false, probe_skb_dynptr,
		"kfunc bpf_dynptr_from_skb() (Linux 6.4); without, bytes are copied by a helper"),
	FEATURE(GENEVE, "geneve", false, probe_geneve, "Geneve devices (Linux 4.3); without, the overlay is VXLAN"),
	FEATURE(LOOP, "loop", true, probe_loop, "helper bpf_loop() (Linux 5.17)"),
#undef FEATURE
};
_Static_assert(EBN_ARRAY_SIZE(features) == EBPFNET_FEATURE_MAX, "every feature has a row");

static bool known(enum ebpfnet_feature feature)
{
	return (unsigned int)feature < EBPFNET_FEATURE_MAX;
}

int ebpfnet_feature_supported(struct ebpfnet_ctx *ctx, enum ebpfnet_feature feature)
{
	int rc;

	if (!ctx || !known(feature))
		return -EINVAL;
	if (ctx->disabled >> feature & 1)
		return 0;
	if (ctx->feature[feature] >= 0)
		return ctx->feature[feature];
	rc = features[feature].probe();
	ebn_debug(ctx, "feature %s: %s", features[feature].name,
		  rc > 0 ? "yes" : rc == 0 ? "no" : strerrordesc_np(-rc));
	if (rc >= 0)
		ctx->feature[feature] = (int8_t)rc;
	return rc;
}

const char *ebpfnet_feature_name(enum ebpfnet_feature feature)
{
	return known(feature) ? features[feature].name : NULL;
}

const char *ebpfnet_feature_description(enum ebpfnet_feature feature)
{
	return known(feature) ? features[feature].description : NULL;
}

int ebpfnet_feature_required(enum ebpfnet_feature feature)
{
	return known(feature) ? features[feature].required : -EINVAL;
}

int ebpfnet_features_check(struct ebpfnet_ctx *ctx, struct ebpfnet_diag *diag)
{
	int missing = 0, rc;
	unsigned int i;

	if (!ctx)
		return -EINVAL;
	for (i = 0; i < EBPFNET_FEATURE_MAX; i++) {
		if (!features[i].required)
			continue;
		rc = ebpfnet_feature_supported(ctx, i);
		if (rc == -EPERM)
			return ebn_diag(diag, features[i].name, EPERM,
					"not allowed to try a kernel feature: CAP_BPF or CAP_NET_ADMIN is missing");
		if (rc < 0)
			return ebn_diag(diag, features[i].name, rc, "cannot try a kernel feature");
		if (rc == 0) {
			ebn_diag(diag, features[i].name, EOPNOTSUPP, "the kernel lacks a required feature: %s",
				 features[i].description);
			missing++;
		}
	}
	return missing ? -EOPNOTSUPP : 0;
}
