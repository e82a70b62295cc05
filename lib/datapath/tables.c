/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The tables of a datapath: made, mapped, checked, adopted. */
#include "datapath/egress.h"
#include "datapath/host.h"
#include "datapath/nat.h"
#include "datapath/overlay.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>
#include <bpf/bpf.h>
#include "ebn_service.h"
#include <ebpfnet/conntrack.h>
#include <ebpfnet/version.h>
#include "service/service.h"

/* Seconds a flow may be idle, by EBN_FLOW_IDLE_*. */
#define EBN_GIVE_UP_SECONDS 600
static const uint32_t ebn_idle_seconds[8] = {
	[EBN_FLOW_IDLE_TCP_HALF] = 30,
	[EBN_FLOW_IDLE_TCP_CLOSING] = 10,
	[EBN_FLOW_IDLE_TCP_EST] = 6 * 3600,
	[EBN_FLOW_IDLE_UDP_HALF] = 30,
	[EBN_FLOW_IDLE_UDP_EST] = 180,
	[EBN_FLOW_IDLE_ICMP] = 30,
	[EBN_FLOW_IDLE_OTHER] = 120,
	[EBN_FLOW_IDLE_TCP_HALF_CLOSED] = 600,
};

struct ebn_map_def {
	enum bpf_map_type type;
	uint32_t key, value, entries, flags;
};

/* The coarse clock moves once a jiffy: its resolution is the length of one. */
static uint64_t ebn_jiffy_ns(void)
{
	struct timespec ts;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &ts) || ts.tv_sec || ts.tv_nsec < 100000)
		return 4000000;
	return (uint64_t)ts.tv_nsec;
}

uint32_t ebn_tick_shift(void)
{
	uint64_t ns = ebn_jiffy_ns();
	uint32_t shift = 0;

	while ((ns << (shift + 1)) <= 180000000)
		shift++;
	return shift;
}

uint64_t ebn_dp_tick_ns(struct ebpfnet_datapath *dp)
{
	return ebn_jiffy_ns() << dp->tick_shift;
}

static int ebn_map_make(const char *name, const struct ebn_map_def *def, struct ebpfnet_diag *diag)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = def->flags);
	uint64_t bytes = (uint64_t)def->value * def->entries;
	int r;

	r = bpf_map_create(def->type, name, def->key, def->value, def->entries, &opts);
	if (r == -ENOMEM)
		return ebn_diag(diag, name, ENOSPC,
				"no kernel memory for a table of %llu KiB: the memory cgroup's limit, or the machine's",
				(unsigned long long)(bytes ? bytes : def->entries) >> 10);
	if (r < 0)
		return ebn_diag(diag, name, r, "cannot create the map");
	return r;
}

static int ebn_map_expect(int fd, const char *name, struct ebn_map_def *ret, struct ebpfnet_diag *diag)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int r;

	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (r < 0)
		return ebn_diag(diag, name, r, "cannot ask about the map");
	if (strncmp(info.name, name, sizeof(info.name) - 1))
		return ebn_diag(diag, name, EPROTO, "another map is pinned there: refused");
	*ret = (struct ebn_map_def){ (enum bpf_map_type)info.type, info.key_size, info.value_size, info.max_entries,
				     info.map_flags };
	return 0;
}

static int ebn_map_memory(int fd, uint64_t size, bool readonly, const char *name, struct ebpfnet_diag *diag, void **ret)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), len = (size + page - 1) / page * page;
	void *mem;

	mem = mmap(NULL, len, readonly ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return ebn_diag(diag, name, errno, "cannot map the table");
	/* a child that forgot about it must not become a second writer */
	if (madvise(mem, len, MADV_DONTFORK)) {
		int e = errno;

		munmap(mem, len);
		return ebn_diag(diag, name, e, "cannot keep the mapping out of children");
	}
	*ret = mem;
	return 0;
}

static void ebn_memory_free(void *mem, uint64_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (mem)
		munmap(mem, (size + page - 1) / page * page);
}

/* ---- flow tables ---- */

int ebn_flow_map_create(const struct ebn_flow_layout *layout, int family, uint64_t flows, struct ebpfnet_diag *diag,
			int *ret)
{
	const char *name = ebn_map_names[EBN_MAP_FLOW4 + family];
	struct ebn_map_def def = { BPF_MAP_TYPE_ARRAY, 4, 0, 0, BPF_F_MMAPABLE };
	int r;

	def.value = (uint32_t)ebn_flow_layout_bytes(layout, 1, family);
	def.entries = ebn_flow_sets(flows);
	if (def.entries < EBN_FLOW_SETS_MIN || def.entries > EBN_FLOW_SETS_MAX)
		return ebn_diag(diag, name, EINVAL, "a table of %llu flows is out of range",
				(unsigned long long)flows);
	r = ebn_map_make(name, &def, diag);
	if (r < 0)
		return r;
	*ret = r;
	return 0;
}

int ebn_flow_map_open(struct ebpfnet_datapath *dp, const struct ebn_flow_layout *layout, int family, int fd,
		      struct ebn_flows *ret, struct ebpfnet_diag *diag)
{
	const char *name = ebn_map_names[EBN_MAP_FLOW4 + family];
	const struct ebn_node_hdr *hdr = dp->node_mem;
	struct ebn_flows t = { .v6 = family, .layout = *layout };
	struct ebn_map_def def;
	int r;

	r = ebn_map_expect(fd, name, &def, diag);
	if (r < 0)
		return r;
	if (def.type != BPF_MAP_TYPE_ARRAY || !(def.flags & BPF_F_MMAPABLE) || def.key != 4 ||
	    def.value != ebn_flow_layout_bytes(layout, 1, family) ||
	    def.entries < EBN_FLOW_SETS_MIN || def.entries > EBN_FLOW_SETS_MAX || (def.entries & (def.entries - 1)))
		return ebn_diag(diag, name, EPROTO, "not a flow table of this version: refused");
	r = ebn_map_memory(fd, ebn_flow_layout_bytes(layout, def.entries, family), dp->readonly, name, diag, &t.mem);
	if (r < 0)
		return r;
	t.mask = def.entries - 1;
	t.seed[0] = hdr->flow_seed[0];
	t.seed[1] = hdr->flow_seed[1];
	*ret = t;
	return 0;
}

void ebn_flow_map_close(struct ebn_flows *t)
{
	ebn_memory_free(t->mem, t->mem ? ebn_flow_layout_bytes(&t->layout, t->mask + 1, t->v6) : 0);
	memset(t, 0, sizeof(*t));
}

/* What is in the tables already was imported. */
static void ebn_flows_copy(const struct ebn_flows *from, const struct ebn_flows *to)
{
	struct ebn_flow_copy c;
	uint64_t pos = 0;

	while (ebn_flow_next(from, &pos, &c) == 1)
		ebn_flow_import(to, &c);
}

int ebn_tables_lay_out(struct ebpfnet_datapath *dp, const struct ebn_flow_layout *layout, struct ebpfnet_diag *diag)
{
	struct ebn_flows flows[2];
	int fd[2] = { -1, -1 }, i, r = 0;

	if (ebn_flow_layout_same(layout, &dp->flows[0].layout))
		return 0;
	memset(flows, 0, sizeof(flows));
	for (i = 0; !r && i < 2; i++) {
		r = ebn_flow_map_create(layout, i, ((uint64_t)dp->flows[i].mask + 1) * EBN_FLOW_WAYS * 3 / 4, diag,
					&fd[i]);
		if (!r)
			r = ebn_flow_map_open(dp, layout, i, fd[i], &flows[i], diag);
	}
	for (i = 0; i < 2; i++) {
		if (r < 0) {
			ebn_flow_map_close(&flows[i]);
			ebn_close(&fd[i]);
			continue;
		}
		ebn_flows_copy(&dp->flows[i], &flows[i]);
		ebn_flow_map_close(&dp->flows[i]);
		ebn_close(&dp->map_fd[EBN_MAP_FLOW4 + i]);
		dp->flows[i] = flows[i];
		dp->map_fd[EBN_MAP_FLOW4 + i] = fd[i];
	}
	if (!r)
		dp->p->set.meta.layout = *layout;
	return r;
}

/* ---- making ---- */

static const struct ebn_map_def ebn_active_def = {
	BPF_MAP_TYPE_ARRAY, 4, sizeof(struct ebn_be_active), EBN_BE_ACTIVES, BPF_F_MMAPABLE,
};

static int ebn_maps_make(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_dp_private *p = dp->p;
	struct ebn_map_def def[EBN_MAPS] = {
		[EBN_MAP_NODE] = { BPF_MAP_TYPE_ARRAY, 4, (uint32_t)p->want_table_bytes, 1, BPF_F_MMAPABLE },
		[EBN_MAP_SHARE] = { BPF_MAP_TYPE_ARRAY, 4, sizeof(struct ebn_flow_share), p->want_endpoints + 1,
				    BPF_F_MMAPABLE },
		[EBN_MAP_EVENTS] = { BPF_MAP_TYPE_RINGBUF, 0, 0, p->want_ring_bytes, 0 },
		[EBN_MAP_EP_STAT] = { BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct ebn_ep_stat), p->want_endpoints, 0 },
		[EBN_MAP_REASON] = { BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct ebn_reason_stat),
				     EBN_REASON_CELLS, 0 },
		[EBN_MAP_COUNTER] = { BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(uint64_t), EBN_C_MAX, 0 },
		[EBN_MAP_ACTIVE] = ebn_active_def,
	};
	int i, r;

	for (i = 0; i < EBN_MAPS; i++) {
		if (i == EBN_MAP_FLOW4 || i == EBN_MAP_FLOW6) {
			r = ebn_flow_map_create(&p->set.meta.layout, i - EBN_MAP_FLOW4,
						p->want_flows[i - EBN_MAP_FLOW4], diag, &dp->map_fd[i]);
		} else {
			r = ebn_map_make(ebn_map_names[i], &def[i], diag);
			if (r >= 0)
				dp->map_fd[i] = r;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static void ebn_tables_idle(struct ebpfnet_datapath *dp)
{
	struct ebn_node_hdr *hdr = ebn_node_hdr(dp->node);
	uint64_t tick = ebn_dp_tick_ns(dp);
	size_t i;

	/* adopted: limits may have been set, and this word may be younger than the tables */
	if (hdr->give_up_ticks)
		return;
	for (i = 0; i < EBN_ARRAY_SIZE(ebn_idle_seconds); i++)
		EBN_WRITE(hdr->idle_ticks[i], (uint32_t)(ebn_idle_seconds[i] * 1000000000ULL / tick));
	EBN_WRITE(hdr->give_up_ticks, (uint32_t)(EBN_GIVE_UP_SECONDS * 1000000000ULL / tick));
}

/* Makes everything in memory nobody else knows yet, and pins it as one set at the end. */
int ebn_tables_create(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_dp_private *p = dp->p;
	struct ebn_set_meta *meta = &p->set.meta;
	uint64_t seed[2];
	int r;

	memset(meta, 0, sizeof(*meta));
	meta->layout = ebn_flow_layout_here;
	r = ebn_maps_make(dp, diag);
	if (!r)
		r = ebn_random(seed, sizeof(seed));
	if (!r)
		r = ebn_map_memory(dp->map_fd[EBN_MAP_NODE], p->want_table_bytes, false, "ebn_node", diag,
				   &dp->node_mem);
	if (r < 0)
		return r;
	dp->node_size = p->want_table_bytes;
	dp->tick_shift = ebn_tick_shift();
	p->n_endpoints = p->want_endpoints;
	p->n_share = p->n_endpoints + 1;
	r = ebn_node_format(dp->node_mem, dp->node_size, seed);
	if (r < 0)
		return ebn_diag(diag, "ebn_node", r, "cannot format the node tables");
	r = ebn_tables_map(dp, diag);
	if (!r)
		r = ebn_tables_adopt(dp, true, diag);
	if (r < 0)
		return r;
	ebn_tables_idle(dp);
	ebn_share_quota(dp, EBPFNET_CT_QUOTA_PERCENT);
	meta->magic = EBN_META_MAGIC;
	meta->size = sizeof(*meta);
	meta->abi_major = EBN_ABI_MAJOR;
	meta->abi_minor = EBN_ABI_MINOR;
	meta->node_abi = EBN_NODE_ABI;
	meta->flow_abi = EBN_FLOW_ABI;
	meta->event_abi = EBN_EVENT_ABI;
	meta->instance = ebn_node_hdr(dp->node)->instance;
	meta->tick_shift = dp->tick_shift;
	ebn_format(meta->version, sizeof(meta->version), "%s", ebpfnet_version());
	r = ebn_set_stage(dp, dp->map_fd, &p->set, diag);
	if (r < 0)
		return r;
	p->set.number = ebn_pins_free_number(dp);
	return ebn_pins_commit(dp, p->set.number, "current", diag);
}

/* ---- adopting ---- */

/* One that sets of earlier writers have not: a reader does without. */
static int ebn_map_late(struct ebpfnet_datapath *dp, int i, const char *name, struct ebpfnet_diag *diag)
{
	char path[PATH_MAX];
	int fd, r;

	if (dp->readonly)
		return -1;
	r = ebn_pin_path(dp, path, "%s", name);
	if (r < 0)
		return r;
	fd = ebn_map_make(ebn_map_names[i], &ebn_active_def, diag);
	r = fd < 0 ? fd : bpf_obj_pin(fd, path);
	if (r < 0)
		ebn_close(&fd);
	return r < 0 ? ebn_diag(diag, name, r, "cannot add the map") : fd;
}

static int ebn_maps_open(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	uint32_t flags;
	char name[64];
	int i, r;

	for (i = 0; i < EBN_MAPS; i++) {
		r = ebn_format(name, sizeof(name), "set%u/%s", dp->p->set.number, ebn_map_names[i]);
		if (r < 0)
			return r;
		/* the kernel maps nothing through a read-only descriptor: for those the mapping is what is read-only */
		flags = dp->readonly && i > EBN_MAP_SHARE && i != EBN_MAP_ACTIVE ? BPF_F_RDONLY : 0;
		r = ebn_pin_get(dp, name, EBN_FD_MAP, flags, diag);
		if (r == -ENOENT && i < EBN_MAP_LATE)
			return ebn_diag(diag, name, EPROTO, "the pin is missing: the set is corrupt");
		if (r == -ENOENT)
			r = ebn_map_late(dp, i, name, diag);
		if (r < 0 && !(i >= EBN_MAP_LATE && dp->readonly))
			return r;
		dp->map_fd[i] = r;
	}
	return 0;
}

/* What the programs were verified with is checked before it is believed. */
static int ebn_maps_check(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	const struct ebn_map_def want[EBN_MAPS] = {
		[EBN_MAP_NODE] = { BPF_MAP_TYPE_ARRAY, 4, 0, 1, BPF_F_MMAPABLE },
		[EBN_MAP_SHARE] = { BPF_MAP_TYPE_ARRAY, 4, sizeof(struct ebn_flow_share), 0, BPF_F_MMAPABLE },
		[EBN_MAP_EVENTS] = { BPF_MAP_TYPE_RINGBUF, 0, 0, 0, 0 },
		[EBN_MAP_EP_STAT] = { BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct ebn_ep_stat), 0, 0 },
		[EBN_MAP_REASON] = { BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct ebn_reason_stat),
				     EBN_REASON_CELLS, 0 },
		[EBN_MAP_COUNTER] = { BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(uint64_t), EBN_C_MAX, 0 },
		[EBN_MAP_ACTIVE] = ebn_active_def,
	};
	struct ebn_map_def def;
	int i, r;

	for (i = 0; i < EBN_MAPS; i++) {
		if (i == EBN_MAP_FLOW4 || i == EBN_MAP_FLOW6 || (i >= EBN_MAP_LATE && dp->map_fd[i] < 0))
			continue;
		r = ebn_map_expect(dp->map_fd[i], ebn_map_names[i], &def, diag);
		if (r < 0)
			return r;
		if (def.type != want[i].type || def.key != want[i].key ||
		    (want[i].value && def.value != want[i].value) ||
		    (want[i].entries && def.entries != want[i].entries) ||
		    (want[i].flags && !(def.flags & want[i].flags)))
			return ebn_diag(diag, ebn_map_names[i], EPROTO, "not a map of this version: refused");
		if (i == EBN_MAP_NODE)
			dp->node_size = def.value;
		if (i == EBN_MAP_SHARE)
			dp->p->n_share = def.entries;
		if (i == EBN_MAP_EP_STAT)
			dp->p->n_endpoints = def.entries;
	}
	if (dp->p->n_share != dp->p->n_endpoints + 1)
		return ebn_diag(diag, ebn_map_names[EBN_MAP_SHARE], EPROTO, "%u lines for %u endpoints: refused",
				dp->p->n_share, dp->p->n_endpoints);
	if (dp->node_size < EBN_NODE_SIZE_MIN || dp->node_size > EBN_NODE_SIZE_MAX ||
	    (dp->node_size & (dp->node_size - 1)))
		return ebn_diag(diag, "ebn_node", EPROTO, "node tables of %llu bytes: refused",
				(unsigned long long)dp->node_size);
	return 0;
}

int ebn_tables_open(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	const struct ebn_node_hdr *hdr;
	int r;

	dp->tick_shift = dp->p->set.meta.tick_shift & 31;
	r = ebn_maps_open(dp, diag);
	if (!r)
		r = ebn_maps_check(dp, diag);
	if (!r)
		r = ebn_map_memory(dp->map_fd[EBN_MAP_NODE], dp->node_size, dp->readonly, "ebn_node", diag,
				   &dp->node_mem);
	if (!r)
		r = ebn_node_check(dp->node_mem, dp->node_size, diag);
	if (r < 0)
		return r;
	hdr = dp->node_mem;
	if (hdr->instance != dp->p->set.meta.instance)
		return ebn_diag(diag, "ebn_node", EPROTO, "node tables of another datapath are pinned there: refused");
	return ebn_tables_map(dp, diag);
}

/* The mappings of the flow tables and of shares; the tables' seeds are in the node tables. */
int ebn_tables_map(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	void *share = NULL, *active = NULL;
	int i, r = 0;

	for (i = 0; !r && i < 2; i++)
		r = ebn_flow_map_open(dp, &dp->p->set.meta.layout, i, dp->map_fd[EBN_MAP_FLOW4 + i], &dp->flows[i],
				      diag);
	if (!r)
		r = ebn_map_memory(dp->map_fd[EBN_MAP_SHARE], (uint64_t)dp->p->n_share * sizeof(*dp->share),
				   dp->readonly, "ebn_flow_share", diag, &share);
	if (!r && dp->map_fd[EBN_MAP_ACTIVE] >= 0)
		r = ebn_map_memory(dp->map_fd[EBN_MAP_ACTIVE], EBN_BE_ACTIVES * sizeof(*dp->active), dp->readonly,
				   "ebn_active", diag, &active);
	if (r < 0) {
		ebn_memory_free(share, (uint64_t)dp->p->n_share * sizeof(*dp->share));
		return r;
	}
	dp->active = active;
	dp->share = share;
	return ebn_share_open(dp);
}

static int ebn_take_address(const uint32_t addr[4], uint32_t identity, uint32_t row, void *arg)
{
	struct ebpfnet_datapath *dp = arg;

	/* a local endpoint takes its own; a number nobody knows any more is left to the next change */
	if ((!row || ebn_host_has(dp, row)) && !ebn_policy_addr_get(dp->policy, addr, &identity, NULL) &&
	    identity >= EBN_ID_CLUSTER_MIN)
		(void)ebn_policy_identity_ref(dp->policy, identity);
	return 0;
}

/* A rule's prefixes are the policy's. */
static int ebn_take_prefix(const uint32_t addr[4], uint32_t len, const struct ebn_prefix_value *v, void *arg)
{
	struct ebpfnet_datapath *dp = arg;

	(void)addr;
	(void)len;
	if (!v->owner && v->identity >= EBN_ID_CLUSTER_MIN)
		(void)ebn_policy_identity_ref(dp->policy, v->identity);
	return 0;
}

/* Takes the tables over as their writer. fresh: they were formatted a moment ago. */
int ebn_tables_adopt(struct ebpfnet_datapath *dp, bool fresh, struct ebpfnet_diag *diag)
{
	int i, r;

	r = ebn_node_open(dp->node_mem, dp->node_size, diag, &dp->node);
	if (!r)
		r = ebn_rows_open(dp->node, dp->p->n_endpoints, diag, &dp->rows);
	if (!r)
		r = ebn_services_open(dp->ctx, dp->node, diag, &dp->services);
	if (!r && fresh) {
		r = ebn_node_adopted(dp->node);
		if (!r)
			r = ebn_policy_new(dp->ctx, dp->node, dp->rows, diag, &dp->policy);
		if (!r)
			r = ebn_devs_open(dp, true, diag);
	} else if (!r) {
		r = ebn_policy_adopt(dp->ctx, dp->node, dp->rows, diag, &dp->policy);
		if (!r)
			r = ebn_devs_open(dp, false, diag);
		if (!r)
			r = ebn_nat_adopt(dp, diag);
		if (!r)
			r = ebn_ov_adopt(dp, diag);
		if (!r)
			r = ebn_host_adopt(dp, diag);
		if (!r)
			r = ebn_eg_adopt(dp, diag);
		if (!r)
			r = ebn_source_adopt(dp, diag);
		/* programs may still be in what the last writer had retired, and it is free space from here on */
		if (!r)
			r = ebn_grace_wait(dp->p->grace);
		if (!r)
			r = ebn_node_adopted(dp->node);
	}
	if (!r)
		r = ebn_services_settle(dp->services, diag);
	if (!r)
		r = ebn_eps_open(dp, diag);
	if (!r)
		r = ebn_host_open(dp);
	if (r < 0)
		return r;
	if (!fresh) {
		r = ebn_addr_foreach(dp->rows, ebn_take_address, dp);
		if (!r)
			r = ebn_prefix_foreach(dp->rows, ebn_take_prefix, dp);
		if (r < 0)
			return ebn_diag(diag, "ebn_node", r, "cannot walk the addresses");
		ebn_policy_sweep(dp->policy);
	}
	if (dp->p->identities) {
		r = ebn_identities_use(ebn_policy_identities(dp->policy), dp->p->identities);
		if (r < 0)
			return ebn_diag(diag, "identities", r, "the store of identities refuses those in use");
	}
	if (!fresh) {
		for (i = 0; i < 2; i++)
			ebn_flow_adopt(&dp->flows[i]);
		ebn_tables_idle(dp);
	}
	return 0;
}

void ebn_tables_close(struct ebpfnet_datapath *dp)
{
	int i;

	ebn_counts_close(dp);
	ebn_eps_close(dp);
	ebn_services_free(dp->services);
	dp->services = NULL;
	ebn_policy_free(dp->policy);
	dp->policy = NULL;
	ebn_rows_free(dp->rows);
	dp->rows = NULL;
	ebn_node_free(dp->node);
	dp->node = NULL;
	for (i = 0; i < 2; i++)
		ebn_flow_map_close(&dp->flows[i]);
	ebn_share_close(dp);
	ebn_active_close(dp);
	ebn_memory_free(dp->active, EBN_BE_ACTIVES * sizeof(*dp->active));
	dp->active = NULL;
	ebn_memory_free(dp->share, (uint64_t)dp->p->n_share * sizeof(*dp->share));
	dp->share = NULL;
	ebn_memory_free(dp->node_mem, dp->node_size);
	dp->node_mem = NULL;
	for (i = 0; i < EBN_MAPS; i++)
		ebn_close(&dp->map_fd[i]);
	dp->prepared = false;
}
