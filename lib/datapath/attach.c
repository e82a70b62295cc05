/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Programs on devices: a clsact filter at once, an owned tcx link later. Our programs end the chain with their verdict, so
 * they stand first on a hook: a program of somebody else in front of them could let packets past the policy. Others' programs
 * and filters are never touched.
 */
#include "datapath/nat.h"

#include <fcntl.h>
#include <stdio.h>
#include <bpf/bpf.h>

/* linux/bpf.h of the oldest build environment does not know them */
#define EBN_ATTACH_TCX_INGRESS 46
#define EBN_ATTACH_TCX_EGRESS 47
#define EBN_F_BEFORE (1u << 3)
#define EBN_LINK_TYPE_TCX 11u

/* The head of struct bpf_link_info, and its part for tcx. */
struct ebn_tcx_info {
	uint32_t type;
	uint32_t id;
	uint32_t prog_id;
	uint32_t pad;
	uint32_t ifindex;
	uint32_t attach_type;
	uint64_t room[8];
};

static const uint8_t ebn_dev_progs[EBN_DEV_KINDS][EBN_HOOKS] = {
	[EBN_DEV_ENDPOINT] = { EBN_PROG_FROM_EP, EBN_PROG_TO_EP },
	[EBN_DEV_WATCH] = { EBN_PROG_WATCH_IN, EBN_PROG_WATCH_OUT },
	[EBN_DEV_NETDEV] = { EBN_PROG_FROM_NETDEV, EBN_PROG_TO_NETDEV },
	[EBN_DEV_OVERLAY] = { EBN_PROG_FROM_OVERLAY, EBN_PROG_TO_OVERLAY },
};
static const char *const ebn_hook_names[EBN_HOOKS] = { "in", "out" };

int ebn_prog_of(enum ebn_dev_kind kind, enum ebn_hook hook)
{
	return ebn_dev_progs[kind][hook];
}

/* Filters of one datapath carry one handle, made from the tables' random instance: they are told from others' by it. */
static uint32_t ebn_filter_handle(struct ebpfnet_datapath *dp)
{
	const struct ebn_node_hdr *hdr = dp->node_mem;
	uint32_t h = (uint32_t)ebn_mix64(hdr->instance) & 0x7fffffff;

	return h ? h : 1;
}

static bool ebn_filter_is_ours(struct ebpfnet_datapath *dp, const struct ebn_filter *f, const char *kind)
{
	int i;

	if (strcmp(kind, "bpf") || f->handle != ebn_filter_handle(dp) || !f->name)
		return false;
	for (i = 0; i < EBN_PROGS; i++)
		if (!strcmp(f->name, ebn_prog_names[i]))
			return true;
	return false;
}

/* n is in range: rows are numbered by those who made them, and the table was checked when it was taken over. */
struct ebn_dev_row *ebn_dev(struct ebpfnet_datapath *dp, uint32_t n)
{
	return (struct ebn_dev_row *)((char *)dp->node_mem + dp->p->dev_off) + n;
}

int ebn_dev_read(struct ebpfnet_datapath *dp, uint32_t n, struct ebn_dev_row *ret)
{
	uint32_t i, rows = dp->p->n_endpoints + EBN_DEV_EXTRA, w[sizeof(*ret) / 4];
	const uint32_t *src;
	struct ebn_dir dir;
	uint64_t root;

	if (n >= rows || ebn_node_read_root(dp->node_mem, dp->node_size, &root, &dir))
		return -ENOENT;
	if (dir.slot[EBN_P_USER1].n != rows || dir.slot[EBN_P_USER1].off % EBN_LINE ||
	    dir.slot[EBN_P_USER1].off > dp->node_size - rows * sizeof(*ret))
		return -EPROTO;
	src = (const void *)((const char *)dp->node_mem + dir.slot[EBN_P_USER1].off + n * sizeof(*ret));
	for (i = 0; i < EBN_ARRAY_SIZE(w); i++)
		w[i] = EBN_READ(src[i]);
	memcpy(ret, w, sizeof(w));
	return 0;
}

int ebn_dev_find(struct ebpfnet_datapath *dp, uint32_t ifindex, uint32_t *ret)
{
	struct ebn_dev_row *rows = ebn_dev(dp, 0);
	uint32_t i;

	for (i = 0; i < dp->p->dev_n; i++)
		if (rows[i].ifindex == ifindex) {
			*ret = i;
			return 0;
		}
	return -ENOENT;
}

int ebn_devs_open(struct ebpfnet_datapath *dp, bool fresh, struct ebpfnet_diag *diag)
{
	uint32_t n = dp->p->n_endpoints + EBN_DEV_EXTRA, len = n * (uint32_t)sizeof(struct ebn_dev_row), off, i, k;
	struct ebn_slot slot;
	int r;

	dp->p->dev_n = n;
	if (fresh) {
		r = ebn_node_alloc(dp->node, EBN_P_USER1, len, &off);
		if (!r)
			r = ebn_node_begin(dp->node);
		if (r < 0)
			return ebn_diag(diag, "ebn_node", r, "no room for the table of devices");
		ebn_node_set(dp->node, EBN_P_USER1, off, n);
		dp->p->dev_off = off;
		return ebn_node_publish(dp->node);
	}
	slot = ebn_node_slot(dp->node, EBN_P_USER1);
	r = slot.n == n ? ebn_node_mark(dp->node, slot.off, EBN_P_USER1, len) : -EPROTO;
	if (r < 0)
		return ebn_diag(diag, "ebn_node", r, "the table of devices is corrupt: refused");
	dp->p->dev_off = slot.off;
	for (i = 0; i < n; i++) {
		struct ebn_dev_row *d = ebn_dev(dp, i);

		for (k = 0; k < EBN_HOOKS; k++)
			if (d->kind >= EBN_DEV_KINDS || d->state[k] > EBN_DEV_LINK)
				return ebn_diag(diag, "ebn_node", EPROTO, "the table of devices is corrupt: refused");
	}
	return 0;
}

/* ---- what is there ---- */

struct ebn_hook_look {
	struct ebpfnet_datapath *dp;
	uint32_t others;	/* filters that are not ours */
	uint32_t ours;
	struct ebn_filter f;	/* ours */
};

static int ebn_hook_see(const struct ebn_filter *f, const char *kind, void *arg)
{
	struct ebn_hook_look *look = arg;

	if (!ebn_filter_is_ours(look->dp, f, kind)) {
		look->others++;
		return 0;
	}
	look->ours++;
	look->f = *f;
	look->f.name = NULL;	/* borrowed from the message */
	return 0;
}

static int ebn_hook_look(struct ebpfnet_datapath *dp, uint32_t ifindex, enum ebn_hook hook, struct ebn_hook_look *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->dp = dp;
	return ebn_nl_filters(&dp->p->nl, ifindex, hook, ebn_hook_see, ret);
}

static int ebn_link_name(uint32_t ifindex, enum ebn_hook hook, char *buf, size_t size)
{
	return ebn_format(buf, size, "links/%u-%s", ifindex, ebn_hook_names[hook]);
}

/* Our link on a hook: its fd, or -ENOENT. A pin of a link whose device is gone is removed. */
static int ebn_link_get(struct ebpfnet_datapath *dp, uint32_t ifindex, enum ebn_hook hook, struct ebn_tcx_info *ret)
{
	uint32_t len = sizeof(*ret);
	_close_ int fd = -1;
	char name[64];
	int r;

	r = ebn_link_name(ifindex, hook, name, sizeof(name));
	if (r < 0)
		return r;
	fd = ebn_pin_get(dp, name, EBN_FD_LINK, 0, NULL);
	if (fd < 0) {
		r = fd;
		fd = -1;
		return r;
	}
	memset(ret, 0, sizeof(*ret));
	r = bpf_obj_get_info_by_fd(fd, ret, &len);
	if (r < 0)
		return r;
	if (ret->type != EBN_LINK_TYPE_TCX || ret->ifindex != ifindex) {
		ebn_pins_remove(dp, name);
		return -ENOENT;
	}
	return EBN_TAKE_FD(fd);
}

/* ---- attaching ---- */

static void ebn_filter_fill(struct ebpfnet_datapath *dp, const struct ebn_dev_row *d, enum ebn_hook hook,
			    const struct ebn_set *set, struct ebn_filter *ret)
{
	int prog = ebn_prog_of(d->kind, hook);

	memset(ret, 0, sizeof(*ret));
	ret->ifindex = d->ifindex;
	ret->hook = hook;
	ret->prio = d->prio[hook];
	ret->handle = ebn_filter_handle(dp);
	ret->prog_fd = set->prog_fd[prog];
	ret->name = ebn_prog_names[prog];
}

/* The first priority at which the kernel takes a bpf filter; those of other kinds keep theirs. */
static int ebn_filter_add(struct ebpfnet_datapath *dp, struct ebn_dev_row *d, enum ebn_hook hook,
			  struct ebpfnet_diag *diag)
{
	struct ebn_hook_look look;
	struct ebn_filter f;
	uint16_t prio;
	int r = -EINVAL;

	for (prio = 1; prio <= 8 && r == -EINVAL; prio++) {
		ebn_filter_fill(dp, d, hook, &dp->p->set, &f);
		f.prio = prio;
		r = ebn_nl_filter_set(&dp->p->nl, &f, false, NULL);
		if (r == -EEXIST) {
			/* ours, from before a crash; anybody else's stays */
			r = ebn_hook_look(dp, d->ifindex, hook, &look);
			if (!r && look.ours && look.f.prio == prio)
				r = ebn_nl_filter_set(&dp->p->nl, &f, true, diag);
			else if (!r)
				r = -EEXIST;
		}
		if (!r)
			d->prio[hook] = prio;
	}
	if (r < 0 && r != -ENODEV)
		return ebn_diag(diag, ebn_hook_names[hook], r, "cannot attach a clsact filter");
	return r;
}

/* Ours on one hook: link, then filter. The first error. */
static int ebn_hook_clear(struct ebpfnet_datapath *dp, struct ebn_dev_row *d, enum ebn_hook hook, uint32_t *others)
{
	struct ebn_tcx_info info;
	struct ebn_hook_look look;
	_close_ int fd = -1;
	char name[64];
	int r, e = 0;

	fd = ebn_link_get(dp, d->ifindex, hook, &info);
	if (fd >= 0) {
		r = bpf_link_detach(fd);
		if (r < 0 && r != -ENOLINK)
			e = r;
		if (!ebn_link_name(d->ifindex, hook, name, sizeof(name)))
			ebn_pins_remove(dp, name);
	} else {
		fd = -1;
	}
	r = ebn_hook_look(dp, d->ifindex, hook, &look);
	if (!r && look.ours) {
		look.f.ifindex = d->ifindex;
		look.f.hook = hook;
		r = ebn_nl_filter_del(&dp->p->nl, &look.f);
	}
	*others += look.others;
	if (r < 0 && r != -ENODEV && r != -ENOENT && !e)
		e = r;
	d->state[hook] = EBN_DEV_OFF;
	d->link_id[hook] = 0;
	return e;
}

/*
 * A netkit pair that was shut is open while programs are on it. They are those of any device, on the primary's own hooks:
 * delivery past the stack is allowed there, and not where netkit runs programs of its own.
 */
static int ebn_netkit_open(struct ebpfnet_datapath *dp, const struct ebn_dev_row *d, struct ebpfnet_diag *diag)
{
	struct ebn_link_info link;
	int r;

	if (!d->netkit || !d->shut)
		return 0;
	r = ebn_nl_link(&dp->p->nl, NULL, d->ifindex, &link);
	if (r < 0 || !link.netkit_shut)
		return r;
	r = ebn_nl_netkit_ways(&dp->p->nl, d->ifindex, 0, diag);
	return r < 0 ? r : 1;
}

int ebn_dev_detach(struct ebpfnet_datapath *dp, uint32_t n)
{
	struct ebn_dev_row *d = ebn_dev(dp, n);
	uint32_t others = 0, kind = d->kind;
	int h, r, e = 0;

	if (!d->ifindex)
		return 0;
	/* before its programs go; it may be gone itself */
	if (d->netkit && d->shut)
		(void)ebn_nl_netkit_ways(&dp->p->nl, d->ifindex, d->shut, NULL);
	ebn_pacing_forget(dp, n);
	for (h = 0; h < EBN_HOOKS; h++) {
		r = ebn_hook_clear(dp, d, h, &others);
		if (r < 0 && !e)
			e = r;
	}
	/* the qdisc goes when we made it and nobody else has moved in */
	if (!e && d->clsact_made && !others) {
		r = ebn_nl_clsact_del(&dp->p->nl, d->ifindex);
		if (r < 0 && r != -ENODEV && r != -ENOENT && r != -EINVAL)
			e = r;
	}
	if (!e) {
		memset(d, 0, sizeof(*d));
		e = kind == EBN_DEV_NETDEV ? ebn_pacing_overlay(dp) : 0;
	}
	return e;
}

void ebn_dev_take(struct ebn_dev_row *d, const struct ebn_link_info *link, enum ebn_dev_kind kind)
{
	memset(d, 0, sizeof(*d));
	d->kind = (uint8_t)kind;
	d->netkit = kind == EBN_DEV_ENDPOINT && link->netkit && link->netkit_primary;
	d->shut = d->netkit ? link->netkit_shut : 0;
	/* the intent first: what a killed writer attached is found again by it */
	EBN_WRITE(d->ifindex, link->ifindex);
}

int ebn_dev_attach(struct ebpfnet_datapath *dp, uint32_t n, const struct ebn_link_info *link, enum ebn_dev_kind kind,
		   struct ebpfnet_diag *diag)
{
	struct ebn_dev_row *d = ebn_dev(dp, n);
	int h, r;

	ebn_dev_take(d, link, kind);
	r = ebn_nl_clsact_add(&dp->p->nl, link->ifindex, diag);
	if (r >= 0) {
		d->clsact_made = (uint8_t)r;
		r = 0;
	}
	for (h = 0; !r && h < EBN_HOOKS; h++) {
		r = ebn_filter_add(dp, d, h, diag);
		if (!r)
			d->state[h] = EBN_DEV_FILTER;
	}
	if (!r) {
		r = ebn_netkit_open(dp, d, diag);
		r = r < 0 ? r : 0;
	}
	if (r < 0) {
		ebn_dev_detach(dp, n);
		memset(d, 0, sizeof(*d));
	}
	return r;
}

/* ---- comparing with the kernel ---- */

static int ebn_hook_restore_link(struct ebpfnet_datapath *dp, struct ebn_dev_row *d, enum ebn_hook hook, int fd,
				 const struct ebn_tcx_info *info, const struct ebn_hook_look *look)
{
	int prog = ebn_prog_of(d->kind, hook), r = 0, changed = 0;
	struct ebn_filter f = look->f;

	if (info->prog_id != dp->p->set.prog_id[prog]) {
		r = bpf_link_update(fd, dp->p->set.prog_fd[prog], NULL);
		changed = 1;
	}
	if (!r && look->ours) {
		/* killed between link and filter: the link is there, so the filter may go */
		f.ifindex = d->ifindex;
		f.hook = hook;
		r = ebn_nl_filter_del(&dp->p->nl, &f);
		changed = 1;
	}
	if (r < 0)
		return r;
	d->state[hook] = EBN_DEV_LINK;
	d->link_id[hook] = info->id;
	return changed;
}

static int ebn_hook_restore(struct ebpfnet_datapath *dp, struct ebn_dev_row *d, enum ebn_hook hook,
			    struct ebpfnet_diag *diag)
{
	struct ebn_tcx_info info;
	struct ebn_hook_look look;
	_close_ int fd = -1;
	struct ebn_filter f;
	int r, made;

	r = ebn_hook_look(dp, d->ifindex, hook, &look);
	if (r < 0)
		return r;
	fd = ebn_link_get(dp, d->ifindex, hook, &info);
	if (fd >= 0)
		return ebn_hook_restore_link(dp, d, hook, fd, &info, &look);
	fd = -1;
	d->link_id[hook] = 0;
	if (look.ours) {
		d->state[hook] = EBN_DEV_FILTER;
		d->prio[hook] = look.f.prio;
		if (look.f.prog_id == dp->p->set.prog_id[ebn_prog_of(d->kind, hook)])
			return 0;
		ebn_filter_fill(dp, d, hook, &dp->p->set, &f);
		r = ebn_nl_filter_set(&dp->p->nl, &f, true, diag);
		return r < 0 ? r : 1;
	}
	made = ebn_nl_clsact_add(&dp->p->nl, d->ifindex, diag);
	if (made < 0)
		return made;
	d->clsact_made |= (uint8_t)made;
	r = ebn_filter_add(dp, d, hook, diag);
	if (r < 0)
		return r;
	d->state[hook] = EBN_DEV_FILTER;
	return 1;
}

int ebn_dev_restore(struct ebpfnet_datapath *dp, uint32_t n, struct ebpfnet_diag *diag)
{
	struct ebn_dev_row *d = ebn_dev(dp, n);
	int h, r, changed = 0;

	for (h = 0; h < EBN_HOOKS; h++) {
		r = ebn_hook_restore(dp, d, h, diag);
		if (r < 0)
			return r;
		changed |= r;
	}
	r = ebn_netkit_open(dp, d, diag);
	return r < 0 ? r : changed | r;
}

/* ---- from filter to link ---- */

static int ebn_hook_move(struct ebpfnet_datapath *dp, struct ebn_dev_row *d, enum ebn_hook hook)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = EBN_F_BEFORE);
	int prog = ebn_prog_of(d->kind, hook), type, r;
	struct ebn_tcx_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[PATH_MAX], name[64];
	_close_ int fd = -1;
	struct ebn_filter f;

	type = hook == EBN_HOOK_IN ? EBN_ATTACH_TCX_INGRESS : EBN_ATTACH_TCX_EGRESS;
	r = ebn_link_name(d->ifindex, hook, name, sizeof(name));
	if (!r)
		r = ebn_pin_path(dp, path, "%s", name);
	if (r < 0)
		return r;
	ebn_pins_remove(dp, name);
	r = bpf_link_create(dp->p->set.prog_fd[prog], (int)d->ifindex, (enum bpf_attach_type)type, &opts);
	if (r < 0)
		return r;
	fd = r;
	/* unpinned, the link ends with this process, and the filter is still there */
	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (!r)
		r = bpf_obj_pin(fd, path);
	if (r < 0)
		return r;
	d->link_id[hook] = info.id;
	d->state[hook] = EBN_DEV_LINK;
	ebn_filter_fill(dp, d, hook, &dp->p->set, &f);
	r = ebn_nl_filter_del(&dp->p->nl, &f);
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

static bool ebn_dev_waits(const struct ebn_dev_row *d, int hook)
{
	return d->ifindex && !d->stay && d->state[hook] == EBN_DEV_FILTER;
}

uint32_t ebn_dev_moves(struct ebpfnet_datapath *dp)
{
	const struct ebn_dev_row *rows = ebn_dev(dp, 0);
	uint32_t i, n = 0;

	if (!dp->loaded || ebpfnet_feature_supported(dp->ctx, EBPFNET_FEATURE_TCX) != 1)
		return 0;
	for (i = 0; i < dp->p->dev_n; i++)
		n += ebn_dev_waits(&rows[i], EBN_HOOK_IN) + ebn_dev_waits(&rows[i], EBN_HOOK_OUT);
	return n;
}

int ebn_dev_move_one(struct ebpfnet_datapath *dp)
{
	struct ebn_dev_row *rows = ebn_dev(dp, 0), *d;
	uint32_t i;
	int h, r;

	if (!ebn_dev_moves(dp))
		return 0;
	for (i = 0; i < dp->p->dev_n; i++, dp->p->dev_next++) {
		d = &rows[dp->p->dev_next % dp->p->dev_n];
		for (h = 0; h < EBN_HOOKS; h++) {
			if (!ebn_dev_waits(d, h))
				continue;
			r = ebn_hook_move(dp, d, h);
			if (r < 0) {
				/* it is enforced as it is; a device that went away is the owner's to take out */
				d->stay = 1;
				ebn_warn(dp->ctx, "device %u: stays with clsact: %s", d->ifindex, strerror(-r));
			}
			return 1;
		}
	}
	return 0;
}

/* ---- other programs ---- */

int ebn_dev_swap(struct ebpfnet_datapath *dp, uint32_t n, const struct ebn_set *set, struct ebpfnet_diag *diag)
{
	struct ebn_dev_row *d = ebn_dev(dp, n);
	struct ebn_tcx_info info;
	struct ebn_filter f;
	int h, fd, r;

	for (h = 0; h < EBN_HOOKS; h++) {
		r = 0;
		if (d->state[h] == EBN_DEV_FILTER) {
			ebn_filter_fill(dp, d, h, set, &f);
			r = ebn_nl_filter_set(&dp->p->nl, &f, true, NULL);
		} else if (d->state[h] == EBN_DEV_LINK) {
			fd = ebn_link_get(dp, d->ifindex, h, &info);
			if (fd >= 0) {
				r = bpf_link_update(fd, set->prog_fd[ebn_prog_of(d->kind, h)], NULL);
				close(fd);
			}
		}
		/* a device that went away needs no program */
		if (r < 0 && r != -ENODEV && r != -ENOLINK && r != -EINVAL)
			return ebn_diag(diag, ebn_hook_names[h], r, "device %u: cannot replace the program",
					d->ifindex);
	}
	return 0;
}

int ebn_devs_clear(struct ebpfnet_datapath *dp)
{
	uint32_t i;
	int r, e = 0;

	for (i = 0; i < dp->p->dev_n; i++) {
		r = ebn_dev_detach(dp, i);
		if (r < 0 && !e)
			e = r;
	}
	return e;
}

/* ---- devices that are no endpoints ---- */

int ebn_dev_free_row(struct ebpfnet_datapath *dp, uint32_t *ret)
{
	struct ebn_link_info info;
	uint32_t i;

	for (i = dp->p->n_endpoints; i < dp->p->dev_n; i++)
		if (!ebn_dev(dp, i)->ifindex) {
			*ret = i;
			return 0;
		}
	/* devices go without a word to us; their rows are found when they are missed */
	for (i = dp->p->n_endpoints; i < dp->p->dev_n; i++)
		if (ebn_nl_link(&dp->p->nl, NULL, ebn_dev(dp, i)->ifindex, &info) == -ENODEV &&
		    !ebn_dev_detach(dp, i)) {
			*ret = i;
			return 0;
		}
	return -ENOMEM;
}

/* Where nobody asked for it, a device that cannot be told to pace is policed. */
static int ebn_dev_pacing(struct ebpfnet_datapath *dp, const char *device, uint32_t n, struct ebpfnet_diag *diag)
{
	bool asked = ebn_dev(dp, n)->pacing == EBPFNET_PACING_FQ;
	int r = ebn_pacing_apply(dp, n, asked ? diag : NULL);

	if (r < 0 && !asked)
		ebn_warn(dp->ctx, "%s: limits of rates are policed: %s", device, strerror(-r));
	return r < 0 && asked ? r : 0;
}

int ebpfnet_datapath_attach(struct ebpfnet_datapath *dp, const char *device, enum ebpfnet_role role,
			    struct ebpfnet_diag *diag)
{
	enum ebn_dev_kind kind = role == EBPFNET_ROLE_WATCH ? EBN_DEV_WATCH : EBN_DEV_NETDEV;
	struct ebn_link_info info;
	uint32_t n;
	int r;

	if (!device || (role != EBPFNET_ROLE_WATCH && role != EBPFNET_ROLE_NETDEV))
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	if (!dp->loaded)
		return ebn_diag(diag, device, EBUSY, "programs are not loaded");
	r = ebn_nl_link(&dp->p->nl, device, 0, &info);
	if (r < 0)
		return ebn_diag(diag, device, r, r == -ENODEV ? "no such device" : "cannot ask about the device");
	if (!ebn_dev_find(dp, info.ifindex, &n)) {
		if (ebn_dev(dp, n)->kind != kind)
			return ebn_diag(diag, device, EEXIST, "attached in another role already");
		r = ebn_dev_restore(dp, n, diag);
		return r < 0 ? r : ebn_dev_pacing(dp, device, n, diag);
	}
	r = ebn_dev_free_row(dp, &n);
	if (r < 0)
		return ebn_diag(diag, device, r, "more than %u devices", EBN_DEV_EXTRA);
	r = ebn_dev_attach(dp, n, &info, kind, diag);
	return r < 0 ? r : ebn_dev_pacing(dp, device, n, diag);
}

int ebpfnet_datapath_detach(struct ebpfnet_datapath *dp, const char *device, struct ebpfnet_diag *diag)
{
	struct ebn_link_info info;
	uint32_t n;
	int r;

	if (!device)
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	r = ebn_nl_link(&dp->p->nl, device, 0, &info);
	if (r < 0 && r != -ENODEV)
		return ebn_diag(diag, device, r, "cannot ask about the device");
	if (r == -ENODEV || ebn_dev_find(dp, info.ifindex, &n) || n < dp->p->n_endpoints)
		return ebn_diag(diag, device, ENOENT, "not attached");
	r = ebn_dev_detach(dp, n);
	if (r < 0)
		return ebn_diag(diag, device, r, "cannot detach");
	/* behind the programs: so long as they run, nothing leaves as it is */
	r = ebn_nat_forget(dp, info.ifindex);
	return r < 0 && r != -ENOENT ? ebn_diag(diag, device, r, "its masquerade cannot be removed") : 0;
}
