/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* The datapath object: opened, prepared, loaded, asked about, removed. */
#include "datapath/private.h"
#include "datapath/overlay.h"

#include <linux/capability.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define EBN_FLOWS4_DEFAULT 65536u
#define EBN_FLOWS6_DEFAULT 32768u
#define EBN_TABLE_DEFAULT (32u << 20)
#define EBN_RING_DEFAULT (1u << 20)
#define EBN_RING_MAX (1u << 28)
#define EBN_ENDPOINTS_DEFAULT 1024u
#define EBN_ENDPOINTS_MAX 65535u

int ebn_dp_tables(struct ebpfnet_datapath *dp)
{
	if (!dp)
		return -EINVAL;
	return dp->prepared ? 0 : -EBUSY;
}

int ebn_dp_writable(struct ebpfnet_datapath *dp)
{
	if (!dp)
		return -EINVAL;
	if (dp->readonly)
		return -EROFS;
	return ebn_dp_tables(dp);
}

/* ---- opening ---- */

/* Asked beforehand, so that the answer is one clear message and not the EPERM of whatever came first. */
static int ebn_check_privileges(struct ebpfnet_diag *diag)
{
	static const struct {
		int cap;
		bool admin;	/* CAP_SYS_ADMIN does as well */
		const char *name;
	} need[] = {
		{ CAP_BPF, true, "CAP_BPF" },
		{ CAP_NET_ADMIN, false, "CAP_NET_ADMIN" },
		{ CAP_PERFMON, true, "CAP_PERFMON" },
	};
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };
	uint64_t have;
	size_t i;
	int r = 0;

	if (syscall(SYS_capget, &hdr, data))
		return ebn_diag(diag, NULL, errno, "cannot ask for this process's capabilities");
	have = data[0].effective | (uint64_t)data[1].effective << 32;
	for (i = 0; i < EBN_ARRAY_SIZE(need); i++) {
		if (have & 1ULL << need[i].cap || (need[i].admin && have & 1ULL << CAP_SYS_ADMIN))
			continue;
		r = ebn_diag(diag, NULL, EPERM, "%s is missing: a datapath needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
			     need[i].name);
		break;
	}
	return r;
}

static bool ebn_name_valid(const char *name)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t n = strspn(name, ok);

	return n >= 1 && n <= 32 && !name[n];
}

static int ebn_check_sizes(struct ebn_dp_private *p, struct ebpfnet_diag *diag)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int i;

	if (p->want_table_bytes < EBN_NODE_SIZE_MIN || p->want_table_bytes > EBN_NODE_SIZE_MAX ||
	    (p->want_table_bytes & (p->want_table_bytes - 1)))
		return ebn_diag(diag, "table_bytes", EINVAL, "not a power of two between 1 MiB and 256 MiB");
	if (p->want_ring_bytes < page || p->want_ring_bytes > EBN_RING_MAX ||
	    (p->want_ring_bytes & (p->want_ring_bytes - 1)))
		return ebn_diag(diag, "ring_bytes", EINVAL, "not a power of two of pages up to 256 MiB");
	if (p->want_endpoints > EBN_ENDPOINTS_MAX)
		return ebn_diag(diag, "endpoints", EINVAL, "more than %u", EBN_ENDPOINTS_MAX);
	for (i = 0; i < 2; i++)
		if (ebn_flow_sets(p->want_flows[i]) > EBN_FLOW_SETS_MAX)
			return ebn_diag(diag, i ? "flows6" : "flows4", EINVAL, "more than a table can hold");
	return 0;
}

static int ebn_check_opts(struct ebpfnet_datapath *dp, const struct ebpfnet_datapath_opts *opts,
			  struct ebpfnet_diag *diag)
{
	const char *name = EBN_OPT(opts, name, NULL), *dir = EBN_OPT(opts, object_dir, NULL);
	struct ebn_dp_private *p = dp->p;
	uint32_t flags = EBN_OPT(opts, flags, 0);

	if (flags & ~EBPFNET_DATAPATH_READONLY)
		return ebn_diag(diag, "flags", EINVAL, "unknown bits");
	if (EBN_OPT(opts, reserved, 0))
		return ebn_diag(diag, "reserved", EINVAL, "not zero");
	name = name ? name : "default";
	if (!ebn_name_valid(name))
		return ebn_diag(diag, "name", EINVAL, "not 1 to 32 letters, digits, '_' and '-'");
	ebn_format(dp->name, sizeof(dp->name), "%s", name);
	dp->readonly = flags & EBPFNET_DATAPATH_READONLY;
	p->want_flows[0] = EBN_OPT(opts, flows4, 0) ? opts->flows4 : EBN_FLOWS4_DEFAULT;
	p->want_flows[1] = EBN_OPT(opts, flows6, 0) ? opts->flows6 : EBN_FLOWS6_DEFAULT;
	p->want_table_bytes = EBN_OPT(opts, table_bytes, 0) ? opts->table_bytes : EBN_TABLE_DEFAULT;
	p->want_ring_bytes = EBN_OPT(opts, ring_bytes, 0) ? opts->ring_bytes : EBN_RING_DEFAULT;
	p->want_endpoints = EBN_OPT(opts, endpoints, 0) ? opts->endpoints : EBN_ENDPOINTS_DEFAULT;
	p->identities = ebpfnet_identities_ref(EBN_OPT(opts, identities, NULL));
	if (dir) {
		p->object_dir = strdup(dir);
		if (!p->object_dir)
			return -ENOMEM;
	}
	return ebn_check_sizes(p, diag);
}

/* Looks at what is pinned; nothing of it is used before ebpfnet_datapath_prepare(). */
static int ebn_open_pins(struct ebpfnet_datapath *dp, const char *pin_dir, struct ebpfnet_diag *diag)
{
	struct ebn_dp_private *p = dp->p;
	char dir[PATH_MAX];
	uint32_t n;
	int r;

	if (pin_dir && pin_dir[0] != '/')
		return ebn_diag(diag, "pin_dir", EINVAL, "not an absolute path");
	r = pin_dir ? ebn_format(dir, sizeof(dir), "%s", pin_dir) :
		      ebn_format(dir, sizeof(dir), "/sys/fs/bpf/ebpfnet/%s", dp->name);
	if (r < 0)
		return ebn_diag(diag, "pin_dir", EINVAL, "path is too long");
	while (strlen(dir) > 1 && dir[strlen(dir) - 1] == '/')
		dir[strlen(dir) - 1] = '\0';
	r = ebn_pins_open(dp, dir, diag);
	if (r < 0)
		return r;
	r = ebn_pins_number(dp, "current", &n);
	if (r == -ENOENT)
		return dp->readonly ? ebn_diag(diag, dir, ENOENT, "there is no datapath") : 0;
	if (r < 0)
		return ebn_diag(diag, dir, r, "\"current\" names no set: refused");
	r = ebn_set_open(dp, n, &p->set, diag);
	if (r < 0)
		return r;
	if (!ebn_pins_number(dp, "previous", &n) && ebn_set_open(dp, n, &p->prev, NULL) < 0)
		ebn_warn(dp->ctx, "%s: the previous set cannot be read: no rollback to it", dir);
	return 0;
}

static struct ebpfnet_datapath *ebn_dp_new(struct ebpfnet_ctx *ctx)
{
	struct ebpfnet_datapath *dp = calloc(1, sizeof(*dp));
	int i;

	if (!dp)
		return NULL;
	dp->p = calloc(1, sizeof(*dp->p));
	if (!dp->p) {
		free(dp);
		return NULL;
	}
	dp->refs = 1;
	dp->ctx = ebpfnet_ctx_ref(ctx);
	for (i = 0; i < EBN_MAPS; i++)
		dp->map_fd[i] = -1;
	for (i = 0; i < EBN_COUNT_MAPS; i++)
		dp->p->count[i].fd = -1;
	dp->p->dir_fd = -1;
	ebn_set_init(&dp->p->set);
	ebn_set_init(&dp->p->prev);
	return dp;
}

int ebpfnet_datapath_open(struct ebpfnet_ctx *ctx, const struct ebpfnet_datapath_opts *opts,
			  struct ebpfnet_datapath **ret)
{
	struct ebpfnet_diag *diag;
	struct ebpfnet_datapath *dp;
	int r;

	if (!ctx || !ret || !EBN_OPTS_VALID(opts, ebpfnet_datapath_opts))
		return -EINVAL;
	diag = EBN_OPT(opts, diag, NULL);
	dp = ebn_dp_new(ctx);
	if (!dp)
		return ebn_diag(diag, NULL, ENOMEM, "out of memory");
	r = ebn_check_opts(dp, opts, diag);
	if (!r && !dp->readonly)
		r = ebn_check_privileges(diag);
	if (!r && !dp->readonly)
		r = ebpfnet_features_check(ctx, diag);
	if (!r)
		r = ebn_open_pins(dp, EBN_OPT(opts, pin_dir, NULL), diag);
	if (!r && !dp->readonly) {
		r = ebn_nl_open(&dp->p->nl, NETLINK_ROUTE);
		if (r < 0)
			ebn_diag(diag, NULL, r, "cannot open a netlink socket");
	}
	if (!r && dp->readonly) {
		r = ebn_tables_open(dp, diag);
		if (!r)
			r = ebn_counts_open(dp, diag);
		dp->prepared = !r;
		dp->loaded = !r && dp->p->set.meta.loaded;
	}
	if (r < 0) {
		ebpfnet_datapath_unref(dp);
		return r;
	}
	*ret = dp;
	return 0;
}

struct ebpfnet_datapath *ebpfnet_datapath_ref(struct ebpfnet_datapath *dp)
{
	if (dp)
		dp->refs++;
	return dp;
}

struct ebpfnet_datapath *ebpfnet_datapath_unref(struct ebpfnet_datapath *dp)
{
	if (!dp || --dp->refs)
		return NULL;
	ebn_tables_close(dp);
	ebn_set_close(&dp->p->set);
	ebn_set_close(&dp->p->prev);
	ebn_grace_free(dp->p->grace);
	ebn_nl_close(&dp->p->nl);
	/* the lock goes last */
	ebn_close(&dp->p->dir_fd);
	free(dp->p->object_dir);
	ebpfnet_identities_unref(dp->p->identities);
	free(dp->p);
	ebpfnet_ctx_unref(dp->ctx);
	free(dp);
	return NULL;
}

/* ---- tables and programs ---- */

int ebpfnet_datapath_prepare(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_dp_private *p;
	int r;

	if (!dp)
		return -EINVAL;
	if (dp->readonly)
		return -EROFS;
	if (dp->prepared)
		return 0;
	p = dp->p;
	if (p->dir_fd < 0) {
		/* after a cleanup: made and locked again */
		_free_ char *dir = strdup(p->pin_dir);

		r = dir ? ebn_pins_open(dp, dir, diag) : -ENOMEM;
		if (r < 0)
			return r;
	}
	r = ebn_grace_new(dp->ctx, &p->grace);
	if (r < 0)
		return ebn_diag(diag, NULL, r, "cannot wait for grace periods");
	ebn_pins_tidy(dp);
	r = ebn_pins_links(dp, diag);
	if (r < 0) {
		/* nothing was done yet */
	} else if (p->set.number) {
		r = ebn_tables_open(dp, diag);
		if (!r)
			r = ebn_tables_adopt(dp, false, diag);
	} else {
		r = ebn_tables_create(dp, diag);
	}
	if (!r) {
		dp->prepared = true;
		dp->loaded = p->set.meta.loaded;
		r = ebn_upgrade_recover(dp, diag);
		if (!r)
			r = ebn_counts_open(dp, diag);
	}
	if (r < 0) {
		ebn_tables_close(dp);
		dp->loaded = false;
		ebn_grace_free(p->grace);
		p->grace = NULL;
		if (!p->set.meta.loaded && ebn_pins_number(dp, "current", &p->set.number) < 0)
			p->set.number = 0;
	}
	return r;
}

/* The first programs of these tables: no device runs any yet. */
static int ebn_load_first(struct ebpfnet_datapath *dp, struct ebn_object *o, struct ebpfnet_diag *diag)
{
	struct ebn_set set;
	uint32_t old = dp->p->set.number;
	int r;

	ebn_set_init(&set);
	r = ebn_tables_lay_out(dp, &o->layout, diag);
	if (!r)
		r = ebn_object_load(dp, o, dp->map_fd, NULL, &set, diag);
	if (!r)
		r = ebn_set_stage(dp, dp->map_fd, &set, diag);
	if (!r)
		r = ebn_object_stage_extra(dp, o, diag);
	if (!r) {
		set.number = ebn_pins_free_number(dp);
		r = ebn_pins_commit(dp, set.number, "current", diag);
	}
	if (r < 0) {
		ebn_set_close(&set);
		return r;
	}
	ebn_set_close(&dp->p->set);
	dp->p->set = set;
	dp->loaded = true;
	ebn_pins_tidy(dp);
	ebn_debug(dp->ctx, "%s: set %u replaces set %u", dp->name, set.number, old);
	return 0;
}

int ebpfnet_datapath_load(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebpfnet_upgrade_opts up = { EBPFNET_OPTS_INIT(up), .diag = diag };
	struct ebn_object o;
	bool replace = false;
	int r;

	if (!dp)
		return -EINVAL;
	if (dp->readonly)
		return -EROFS;
	r = ebpfnet_datapath_prepare(dp, diag);
	if (r < 0)
		return r;
	r = ebn_object_open(dp, dp->p->object_dir, diag, &o);
	if (!r && dp->loaded)
		replace = strcmp(o.tag, dp->p->set.meta.tag);
	else if (!r)
		r = ebn_load_first(dp, &o, diag);
	ebn_object_close(&o);
	if (r < 0)
		return r;
	if (!replace)
		return ebn_counts_refresh(dp, dp->p->object_dir, diag);
	/* programs of another version are in force: replaced as an upgrade does it */
	up.object_dir = dp->p->object_dir;
	return ebpfnet_datapath_upgrade(dp, &up);
}

/* ---- asking ---- */

static uint64_t ebn_map_memory_of(int fd)
{
	char path[64], line[128];
	unsigned long long n = 0;
	FILE *f;

	if (fd < 0 || ebn_format(path, sizeof(path), "/proc/self/fdinfo/%d", fd))
		return 0;
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "memlock: %llu", &n) == 1)
			break;
	fclose(f);
	return n;
}

static void ebn_status_devices(struct ebpfnet_datapath *dp, struct ebpfnet_datapath_status *st)
{
	struct ebn_dev_row d;
	uint32_t i;

	for (i = 0; !ebn_dev_read(dp, i, &d); i++) {
		if (!d.ifindex)
			continue;
		st->devices++;
		st->endpoints += d.kind == EBN_DEV_ENDPOINT;
		st->tcx_links += (d.state[0] == EBN_DEV_LINK) + (d.state[1] == EBN_DEV_LINK);
	}
}

static uint64_t ebn_flows_live(const struct ebn_flows *t)
{
	uint64_t live = 0;
	uint32_t i, w;

	for (i = 0; i <= t->mask; i++)
		for (w = 0; w < EBN_FLOW_WAYS; w++)
			live += EBN_TAG_STATE(ebn_flow_tag_at(t, i, w)) == EBN_TAG_LIVE;
	return live;
}

int ebpfnet_datapath_status(struct ebpfnet_datapath *dp, struct ebpfnet_datapath_status *ret, size_t size)
{
	struct ebpfnet_datapath_status st = { 0 };
	const struct ebn_node_hdr *hdr;
	int i;

	if (!dp || !ret || size < sizeof(st.name))
		return -EINVAL;
	ebn_format(st.name, sizeof(st.name), "%s", dp->name);
	if (dp->prepared) {
		hdr = dp->node_mem;
		ebn_format(st.version, sizeof(st.version), "%s", dp->p->set.meta.version);
		ebn_format(st.program_tag, sizeof(st.program_tag), "%s", dp->p->set.meta.tag);
		st.loaded = dp->loaded;
		st.generation = EBN_ROOT_GEN(EBN_READ(hdr->root));
		st.adoptions = EBN_READ(hdr->adoptions);
		ebn_status_devices(dp, &st);
		st.table_bytes = dp->node_size;
		if (dp->node) {
			st.retired = ebn_node_retired(dp->node);
			st.table_used = ebn_node_used(dp->node);
		}
		st.flows4 = ebn_flows_live(&dp->flows[0]);
		st.flows6 = ebn_flows_live(&dp->flows[1]);
		st.flows4_max = ((uint64_t)dp->flows[0].mask + 1) * EBN_FLOW_WAYS;
		st.flows6_max = ((uint64_t)dp->flows[1].mask + 1) * EBN_FLOW_WAYS;
		for (i = 0; i < EBN_MAPS; i++)
			st.memory += ebn_map_memory_of(dp->map_fd[i]);
		(void)ebn_dp_percpu_sum(dp, EBN_MAP_COUNTER, EBN_C_EVENT_LOST, &st.events_lost, 1);
		(void)ebn_dp_percpu_sum(dp, EBN_MAP_COUNTER, EBN_C_FLOW_UNRECORDED, &st.unrecorded, 1);
	}
	ebn_copy_out(ret, size, &st, sizeof(st));
	return 0;
}

int ebn_dp_percpu_sum(struct ebpfnet_datapath *dp, enum ebn_map map, uint32_t cell, uint64_t *ret, size_t n)
{
	return ebn_percpu_sum(dp->map_fd[map], cell, ret, n);
}

int ebpfnet_datapath_drops(struct ebpfnet_datapath *dp, struct ebpfnet_drop_stat *stats, size_t n)
{
	uint64_t v[2];
	uint32_t reason;
	int r, found = 0;

	r = ebn_dp_tables(dp);
	if (r < 0 || (!stats && n))
		return r == -EBUSY ? 0 : -EINVAL;
	for (reason = 1; reason < EBN_REASON_CELLS; reason++) {
		r = ebn_dp_percpu_sum(dp, EBN_MAP_REASON, reason, v, 2);
		if (r < 0)
			return r;
		if (!v[0])
			continue;
		if ((size_t)found < n)
			stats[found] = (struct ebpfnet_drop_stat){ .reason = reason, .packets = v[0], .bytes = v[1] };
		found++;
	}
	return found;
}

/* ---- removing ---- */

int ebpfnet_datapath_cleanup(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_dp_private *p;
	int r, e = 0;

	if (!dp)
		return -EINVAL;
	if (dp->readonly)
		return -EROFS;
	p = dp->p;
	if (p->dir_fd < 0)
		return 0;
	if (p->set.number && !dp->prepared) {
		/* what is attached is written in the tables; without them the pins go all the same */
		e = ebpfnet_datapath_prepare(dp, diag);
		if (e < 0)
			ebn_diag(diag, p->pin_dir, e, "tables cannot be read: filters on devices may be left");
	}
	if (dp->prepared) {
		ebn_ov_clear(dp);
		r = ebn_devs_clear(dp);
		if (r < 0 && !e)
			e = ebn_diag(diag, NULL, r, "cannot detach from every device");
	}
	ebn_sock_clear(dp);
	ebn_xdp_clear(dp);
	ebn_tables_close(dp);
	ebn_set_close(&p->set);
	ebn_set_close(&p->prev);
	ebn_grace_free(p->grace);
	p->grace = NULL;
	dp->loaded = false;
	r = ebn_pins_clear(dp);
	if (r < 0 && !e)
		e = ebn_diag(diag, p->pin_dir, r, "cannot remove every pin");
	if (rmdir(p->pin_dir) && errno != ENOENT && !e)
		e = ebn_diag(diag, p->pin_dir, errno, "cannot remove the pin directory");
	ebn_close(&p->dir_fd);
	return e;
}
