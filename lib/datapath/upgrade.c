/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Other programs under load.
 *
 * The new set is loaded beside the old one and pinned as "next"; then every attachment changes its program with one atomic
 * operation; then "next" becomes "current". Until then any failure, and the next writer after a kill, changes them back.
 *
 * Flow tables of another size or layout: the programs between are verified with both tables. While they are being attached
 * they hand every packet back to the programs they replace (EBN_STAGE_OLD), so all devices agree; then one store makes the new
 * table the one in force (EBN_STAGE_DRAIN), which is the point of no return: programs move an entry when they miss it, and user
 * space moves the rest, word by word as both layouts say. When the old table is empty the final programs, which know the
 * new one only, are attached.
 */
#include "datapath/private.h"

#include <stdio.h>
#include <bpf/bpf.h>

struct ebn_upgrade {
	struct ebpfnet_datapath *dp;
	struct ebpfnet_diag *diag;
	enum ebpfnet_upgrade_step fail_at;
	struct ebn_object object;	/* of the final set */
	struct ebn_object between;	/* the same bytes, loaded with both tables */
	struct ebn_set set;		/* final */
	struct ebn_set drain;		/* between */
	int map_fd[EBN_MAPS];		/* of the final set; borrowed but for new flow tables */
	struct ebn_flows flows[2];	/* new ones */
	bool resize;
	bool pinned;			/* as "next" */
	bool attached;			/* some device may run another program than before */
};

static const char *const ebn_step_names[EBPFNET_UPGRADE_STEPS] = {
	[EBPFNET_UPGRADE_OPEN] = "open", [EBPFNET_UPGRADE_TABLES] = "tables", [EBPFNET_UPGRADE_LOAD] = "load",
	[EBPFNET_UPGRADE_MIGRATE] = "migrate", [EBPFNET_UPGRADE_ATTACH] = "attach", [EBPFNET_UPGRADE_PIN] = "pin",
	[EBPFNET_UPGRADE_DRAIN] = "drain",
};

/* Ends a step: its own error, or the injected one. */
static int ebn_step(struct ebn_upgrade *u, enum ebpfnet_upgrade_step step, int r)
{
	if (r < 0)
		ebn_diag(u->diag, ebn_step_names[step], r, "upgrade failed in this step, everything is as before");
	else if (u->fail_at == step)
		r = ebn_diag(u->diag, ebn_step_names[step], ECANCELED, "upgrade was told to fail in this step");
	return r;
}

static void ebn_stage_set(struct ebpfnet_datapath *dp, uint32_t stage)
{
	struct ebn_node_hdr *hdr = ebn_node_hdr(dp->node);

	/* release: what the stage allows to be used was written before */
	__atomic_store_n(&hdr->stage, stage, __ATOMIC_RELEASE);
}

/* ---- attaching ---- */

static int ebn_swap_all(struct ebpfnet_datapath *dp, const struct ebn_set *set, uint32_t stop_after,
			struct ebpfnet_diag *diag)
{
	uint32_t i, n = 0;
	int r;

	for (i = 0; i < dp->p->dev_n; i++) {
		if (!ebn_dev(dp, i)->ifindex)
			continue;
		if (n++ >= stop_after)
			return -ECANCELED;
		r = ebn_dev_swap(dp, i, set, diag);
		if (r < 0)
			return r;
	}
	return n >= stop_after ? -ECANCELED : 0;
}

static uint32_t ebn_devices(struct ebpfnet_datapath *dp)
{
	uint32_t i, n = 0;

	for (i = 0; i < dp->p->dev_n; i++)
		n += ebn_dev(dp, i)->ifindex != 0;
	return n;
}

/* Everything as it was. Nothing here can be refused by the kernel that it granted before; what is, is said. */
static void ebn_upgrade_undo(struct ebn_upgrade *u)
{
	struct ebpfnet_datapath *dp = u->dp;
	int r;

	if (u->attached) {
		r = ebn_swap_all(dp, &dp->p->set, UINT32_MAX, u->diag);
		if (r < 0)
			ebn_warn(dp->ctx, "%s: cannot put every program back: %s", dp->name, strerror(-r));
		ebn_grace_wait(dp->p->grace);
		ebn_stage_set(dp, EBN_STAGE_ONE);
	}
	if (u->pinned)
		ebn_pins_point(dp, "next", 0, NULL);
	ebn_pins_tidy(dp);
}

/* ---- the steps ---- */

static int ebn_upgrade_open(struct ebn_upgrade *u, const char *object_dir)
{
	int r;

	r = ebn_object_open(u->dp, object_dir, u->diag, &u->object);
	if (!r)
		u->resize |= !ebn_flow_layout_same(&u->object.layout, &u->dp->flows[0].layout);
	if (!r && u->resize)
		r = ebn_object_open(u->dp, object_dir, u->diag, &u->between);
	return r;
}

static int ebn_upgrade_tables(struct ebn_upgrade *u, const uint32_t want[2])
{
	struct ebpfnet_datapath *dp = u->dp;
	uint64_t pos, live;
	struct ebn_flow_copy c;
	uint32_t sets;
	int i, r;

	if (!u->resize)
		return 0;
	for (i = 0; i < 2; i++) {
		sets = want[i] ? ebn_flow_sets(want[i]) : dp->flows[i].mask + 1;
		for (pos = live = 0; ebn_flow_next(&dp->flows[i], &pos, &c) == 1;)
			live++;
		if (live * 4 > (uint64_t)sets * EBN_FLOW_WAYS * 3)
			return ebn_diag(u->diag, ebn_map_names[EBN_MAP_FLOW4 + i], ENOSPC,
					"%llu flows live, too many for the new table", (unsigned long long)live);
		u->map_fd[EBN_MAP_FLOW4 + i] = -1;
	}
	for (i = 0; i < 2; i++) {
		/* both are replaced: programs with an old table have one of each */
		sets = want[i] ? ebn_flow_sets(want[i]) : dp->flows[i].mask + 1;
		r = ebn_flow_map_create(&u->object.layout, i, (uint64_t)sets * EBN_FLOW_WAYS * 3 / 4, u->diag,
					&u->map_fd[EBN_MAP_FLOW4 + i]);
		if (!r)
			r = ebn_flow_map_open(dp, &u->object.layout, i, u->map_fd[EBN_MAP_FLOW4 + i], &u->flows[i],
					      u->diag);
		if (r < 0)
			return r;
	}
	return 0;
}

static int ebn_upgrade_load(struct ebn_upgrade *u)
{
	struct ebpfnet_datapath *dp = u->dp;
	int r;

	r = ebn_object_load(dp, &u->object, u->map_fd, NULL, &u->set, u->diag);
	if (!r && u->resize)
		r = ebn_object_load(dp, &u->between, u->map_fd, &dp->map_fd[EBN_MAP_FLOW4], &u->drain, u->diag);
	if (!r)
		r = ebn_set_stage(dp, u->map_fd, &u->set, u->diag);
	if (!r)
		r = ebn_object_stage_extra(dp, &u->object, u->diag);
	if (!r && u->resize)
		r = ebn_object_stage_before(dp, &u->between, u->diag);
	if (r < 0)
		return r;
	u->set.number = ebn_pins_free_number(dp);
	u->pinned = true;
	return ebn_pins_commit(dp, u->set.number, "next", u->diag);
}

/* The programs between learn which ones they replace. */
static int ebn_upgrade_migrate(struct ebn_upgrade *u)
{
	return u->resize ? ebn_object_before(&u->between, &u->dp->p->set, u->diag) : 0;
}

static int ebn_upgrade_attach(struct ebn_upgrade *u)
{
	struct ebpfnet_datapath *dp = u->dp;
	uint32_t half = u->fail_at == EBPFNET_UPGRADE_ATTACH ? (ebn_devices(dp) + 1) / 2 : UINT32_MAX;

	if (u->resize)
		ebn_stage_set(dp, EBN_STAGE_OLD);
	u->attached = true;
	return ebn_swap_all(dp, u->resize ? &u->drain : &u->set, half, u->diag);
}

/* ---- the end of it ---- */

/* A set whose programs cannot come back: its name stays, so that a rollback can say why. */
static uint32_t ebn_leave_mark(struct ebpfnet_datapath *dp)
{
	int none[EBN_MAPS], i;
	struct ebn_set mark;
	uint32_t n;

	for (i = 0; i < EBN_MAPS; i++)
		none[i] = -1;
	ebn_set_init(&mark);
	mark.meta = dp->p->set.meta;
	mark.meta.loaded = 0;
	mark.meta.tables_gone = 1;
	n = ebn_pins_free_number(dp);
	if (ebn_set_stage(dp, none, &mark, NULL) || ebn_pins_commit(dp, n, "previous", NULL))
		return 0;
	return n;
}

/*
 * next becomes current, what was current becomes previous. A process killed between these renames leaves "next", and the
 * next writer swaps every device to whatever is current then.
 */
static int ebn_upgrade_commit(struct ebpfnet_datapath *dp, struct ebn_set *set, bool tables_gone,
			      struct ebpfnet_diag *diag)
{
	struct ebn_dp_private *p = dp->p;
	int r;

	if (!tables_gone) {
		r = ebn_pins_point(dp, "previous", p->set.number, diag);
		if (r < 0)
			return r;
	}
	r = ebn_pins_point(dp, "current", set->number, diag);
	if (r < 0) {
		if (!tables_gone)
			(void)ebn_pins_point(dp, "previous", p->prev.number, NULL);
		return r;
	}
	ebn_set_close(&p->prev);
	if (tables_gone) {
		p->prev.number = ebn_leave_mark(dp);
		p->prev.meta = p->set.meta;
		p->prev.meta.tables_gone = 1;
		ebn_set_close(&p->set);
	} else {
		p->prev = p->set;
	}
	p->set = *set;
	ebn_set_init(set);
	p->tick_checked_ns = 0;
	/* from here on nothing can take it back, and nothing needs to */
	(void)ebn_pins_point(dp, "next", 0, NULL);
	ebn_pins_tidy(dp);
	return 0;
}

/* Moves every entry of the old tables that the programs have not moved yet. How many. */
static uint64_t ebn_drain_pass(struct ebpfnet_datapath *dp, const struct ebn_flows *old, const struct ebn_flows *new)
{
	struct ebn_flow_copy c;
	uint64_t pos, n = 0, lost = 0;
	int i, r;

	for (i = 0; i < 2; i++) {
		for (pos = 0; ebn_flow_next(&old[i], &pos, &c) == 1;) {
			r = ebn_flow_import(&new[i], &c);
			n++;
			if (r == -EBUSY)
				continue;
			if (r < 0)
				lost++;
			ebn_flow_kill(&old[i], &c);
		}
	}
	if (lost)
		ebn_warn(dp->ctx, "%s: %llu flows found no room in the new table", dp->name, (unsigned long long)lost);
	return n;
}

/* Behind the point of no return a step that fails is tried again: what may be refused was granted before. */
#define EBN_TRIES 3

static int ebn_drain_tables(struct ebpfnet_datapath *dp, const struct ebn_flows *flows, struct ebpfnet_diag *diag)
{
	int r, failed = 0, passes = 0;

	do {
		/* runs that began before the stage moved, or before the last pass, have ended */
		r = ebn_grace_wait(dp->p->grace);
		if (r < 0 && ++failed >= EBN_TRIES)
			return ebn_diag(diag, "drain", r, "cannot wait for a grace period; the next prepare goes on");
	} while (r < 0 || (ebn_drain_pass(dp, dp->flows, flows) && ++passes < 100));
	return 0;
}

static int ebn_drain_attach(struct ebpfnet_datapath *dp, const struct ebn_set *set, struct ebpfnet_diag *diag)
{
	int i, r = 0;

	for (i = 0; i < EBN_TRIES; i++) {
		r = ebn_swap_all(dp, set, UINT32_MAX, NULL);
		if (!r)
			r = ebn_grace_wait(dp->p->grace);
		if (!r)
			return 0;
	}
	return ebn_diag(diag, "drain", r, "cannot attach the final programs; the next prepare goes on");
}

/* From EBN_STAGE_DRAIN to the end. new_fd and flows are taken over. */
static int ebn_drain(struct ebpfnet_datapath *dp, struct ebn_set *set, int new_fd[2], struct ebn_flows flows[2],
		     struct ebpfnet_diag *diag)
{
	char name[64];
	int i, r;

	r = ebn_drain_tables(dp, flows, diag);
	if (!r)
		r = ebn_drain_attach(dp, set, diag);
	if (r < 0)
		return r;
	/* the programs between are gone, and with this those before them */
	if (!ebn_format(name, sizeof(name), "set%u/" EBN_BEFORE_MAP, set->number))
		(void)ebn_pins_remove(dp, name);
	for (i = 0; i < 2; i++) {
		ebn_flow_map_close(&dp->flows[i]);
		dp->flows[i] = flows[i];
		memset(&flows[i], 0, sizeof(flows[i]));
		ebn_close(&dp->map_fd[EBN_MAP_FLOW4 + i]);
		dp->map_fd[EBN_MAP_FLOW4 + i] = EBN_TAKE_FD(new_fd[i]);
	}
	dp->p->sweeping = false;
	ebn_share_quota(dp, ebn_node_hdr(dp->node)->quota_percent);
	for (i = 0; i < EBN_TRIES; i++) {
		r = ebn_upgrade_commit(dp, set, true, i + 1 < EBN_TRIES ? NULL : diag);
		if (!r)
			break;
	}
	/* last: until the new set is the current one, a killed writer's successor must go forth, not back */
	if (!r)
		ebn_stage_set(dp, EBN_STAGE_ONE);
	return r;
}

static int ebn_upgrade_run(struct ebn_upgrade *u, const char *object_dir, const uint32_t want[2])
{
	struct ebpfnet_datapath *dp = u->dp;
	int r;

	r = ebn_step(u, EBPFNET_UPGRADE_OPEN, ebn_upgrade_open(u, object_dir));
	if (!r)
		r = ebn_step(u, EBPFNET_UPGRADE_TABLES, ebn_upgrade_tables(u, want));
	if (!r)
		r = ebn_step(u, EBPFNET_UPGRADE_LOAD, ebn_upgrade_load(u));
	if (!r)
		r = ebn_step(u, EBPFNET_UPGRADE_MIGRATE, ebn_upgrade_migrate(u));
	if (!r)
		r = ebn_step(u, EBPFNET_UPGRADE_ATTACH, ebn_upgrade_attach(u));
	if (!r)
		r = ebn_step(u, EBPFNET_UPGRADE_PIN, 0);
	if (!r)
		r = ebn_step(u, EBPFNET_UPGRADE_DRAIN, 0);
	if (!r && !u->resize)
		r = ebn_upgrade_commit(dp, &u->set, false, u->diag);
	if (r < 0) {
		ebn_upgrade_undo(u);
		return r;
	}
	if (!u->resize)
		return 0;
	ebn_stage_set(dp, EBN_STAGE_DRAIN);
	return ebn_drain(dp, &u->set, &u->map_fd[EBN_MAP_FLOW4], u->flows, u->diag);
}

static void ebn_upgrade_free(struct ebn_upgrade *u)
{
	int i;

	for (i = 0; i < 2; i++) {
		ebn_flow_map_close(&u->flows[i]);
		if (u->resize && u->map_fd[EBN_MAP_FLOW4 + i] != u->dp->map_fd[EBN_MAP_FLOW4 + i])
			ebn_close(&u->map_fd[EBN_MAP_FLOW4 + i]);
	}
	ebn_object_close(&u->object);
	ebn_object_close(&u->between);
	ebn_set_close(&u->set);
	ebn_set_close(&u->drain);
}

int ebpfnet_datapath_upgrade(struct ebpfnet_datapath *dp, const struct ebpfnet_upgrade_opts *opts)
{
	struct ebn_upgrade u = { .dp = dp, .diag = EBN_OPT(opts, diag, NULL) };
	const uint32_t want[2] = { EBN_OPT(opts, flows4, 0), EBN_OPT(opts, flows6, 0) };
	const char *dir = EBN_OPT(opts, object_dir, NULL);
	int i, r;

	if (!EBN_OPTS_VALID(opts, ebpfnet_upgrade_opts) || EBN_OPT(opts, reserved, 0))
		return -EINVAL;
	u.fail_at = EBN_OPT(opts, fail_at, EBPFNET_UPGRADE_NONE);
	if (u.fail_at >= EBPFNET_UPGRADE_STEPS)
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	if (!dp->loaded)
		return ebn_diag(u.diag, NULL, EBUSY, "programs are not loaded");
	for (i = 0; i < 2; i++) {
		if (want[i] && ebn_flow_sets(want[i]) > EBN_FLOW_SETS_MAX)
			return ebn_diag(u.diag, i ? "flows6" : "flows4", EINVAL, "more than a table can hold");
		u.resize |= want[i] && ebn_flow_sets(want[i]) != dp->flows[i].mask + 1;
	}
	memcpy(u.map_fd, dp->map_fd, sizeof(u.map_fd));
	ebn_set_init(&u.set);
	ebn_set_init(&u.drain);
	dir = dir ? dir : dp->p->object_dir;
	r = ebn_upgrade_run(&u, dir, want);
	ebn_upgrade_free(&u);
	/* beside the set: what was replaced above stays replaced when this is refused, and the next load tries again */
	return r < 0 ? r : ebn_counts_refresh(dp, dir, u.diag);
}

/* ---- going back ---- */

static uint32_t ebn_map_id(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

/* Do the programs of a pinned set use the flow tables in force? */
static bool ebn_same_tables(struct ebpfnet_datapath *dp, uint32_t number)
{
	char name[64];
	bool same;
	int i, fd;

	for (i = EBN_MAP_FLOW4; i <= EBN_MAP_FLOW6; i++) {
		if (ebn_format(name, sizeof(name), "set%u/%s", number, ebn_map_names[i]) < 0)
			return false;
		fd = ebn_pin_get(dp, name, EBN_FD_MAP, 0, NULL);
		if (fd < 0)
			return false;
		same = ebn_map_id(fd) == ebn_map_id(dp->map_fd[i]);
		close(fd);
		if (!same)
			return false;
	}
	return true;
}

int ebpfnet_datapath_rollback(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	struct ebn_upgrade u = { .dp = dp, .diag = diag };
	int r;

	r = ebn_dp_writable(dp);
	if (r == -EBUSY || (!r && (!dp->loaded || !dp->p->prev.number)))
		return ebn_diag(diag, NULL, ENOENT, "no earlier set is kept");
	if (r < 0)
		return r;
	if (dp->p->prev.meta.tables_gone || !ebn_same_tables(dp, dp->p->prev.number))
		return ebn_diag(diag, NULL, EPROTO, "the earlier set's flow tables were replaced");
	u.set = dp->p->prev;
	ebn_set_init(&dp->p->prev);
	r = ebn_pins_point(dp, "next", u.set.number, diag);
	u.pinned = !r;
	u.attached = !r;
	if (!r)
		r = ebn_swap_all(dp, &u.set, UINT32_MAX, diag);
	if (!r)
		r = ebn_upgrade_commit(dp, &u.set, false, diag);
	if (r < 0) {
		/* still named "previous", so the tidying of an undo leaves it */
		ebn_upgrade_undo(&u);
		dp->p->prev = u.set;
	}
	return r;
}

/* ---- after a kill ---- */

static int ebn_recover_drain(struct ebpfnet_datapath *dp, uint32_t number, struct ebpfnet_diag *diag)
{
	int fd[2] = { -1, -1 }, i, r;
	struct ebn_flows flows[2];
	struct ebn_set set;
	char name[64];

	memset(flows, 0, sizeof(flows));
	r = ebn_set_open(dp, number, &set, diag);
	if (r < 0)
		return r;
	for (i = 0; !r && i < 2; i++) {
		r = ebn_format(name, sizeof(name), "set%u/%s", number, ebn_map_names[EBN_MAP_FLOW4 + i]);
		if (!r)
			fd[i] = ebn_pin_get(dp, name, EBN_FD_MAP, 0, diag);
		if (!r && fd[i] < 0)
			r = ebn_diag(diag, name, EPROTO, "the pin is missing: the set is corrupt");
		if (!r)
			r = ebn_flow_map_open(dp, &set.meta.layout, i, fd[i], &flows[i], diag);
		if (!r)
			ebn_flow_adopt(&flows[i]);
	}
	if (!r)
		r = ebn_drain(dp, &set, fd, flows, diag);
	for (i = 0; i < 2; i++) {
		ebn_flow_map_close(&flows[i]);
		ebn_close(&fd[i]);
	}
	ebn_set_close(&set);
	return r;
}

int ebn_upgrade_recover(struct ebpfnet_datapath *dp, struct ebpfnet_diag *diag)
{
	const struct ebn_node_hdr *hdr = dp->node_mem;
	uint32_t number;
	int r;

	r = ebn_pins_number(dp, "next", &number);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return ebn_diag(diag, "next", r, "it names no set: refused");
	if (EBN_READ(hdr->stage) == EBN_STAGE_DRAIN && number != dp->p->set.number)
		return ebn_recover_drain(dp, number, diag);
	r = ebn_swap_all(dp, &dp->p->set, UINT32_MAX, diag);
	if (!r)
		r = ebn_grace_wait(dp->p->grace);
	if (r < 0)
		return r;
	ebn_stage_set(dp, EBN_STAGE_ONE);
	r = ebn_pins_point(dp, "next", 0, diag);
	ebn_pins_tidy(dp);
	return r;
}
