/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What is done off the path of every update: links, grace periods, expired flows; and the programs' clock. */
#include "datapath/nat.h"

#include <ebpfnet/conntrack.h>
#include <linux/if_ether.h>
#include <bpf/bpf.h>

/* The pace of sweeps: faster when there was much to collect or the tables fill, slower when there was nothing. */
#define EBN_SWEEP_EVERY_NS 5000000000ULL
#define EBN_SWEEP_FAST_NS 1000000000ULL
#define EBN_SWEEP_SLOW_NS 20000000000ULL
#define EBN_SWEEP_SLICE 65536u		/* ways looked at between two looks at the clock */
#define EBN_RETIRE_AFTER_MS 200
#define EBN_TICK_CHECK_NS 60000000000ULL

/* ---- the clock ---- */

/* jiffies begin five minutes before they wrap at 32 bits, so that wraps are met early. */
static uint64_t ebn_jiffies_guess(struct ebpfnet_datapath *dp, uint64_t now)
{
	uint64_t jiffy = ebn_dp_tick_ns(dp) >> dp->tick_shift;

	return (1ULL << 32) - 300 * (1000000000ULL / jiffy) + now / jiffy;
}

static int ebn_tick_ask(struct ebpfnet_datapath *dp, uint32_t *ret)
{
	unsigned char frame[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame), .repeat = 1);
	int fd = dp->p->set.prog_fd[EBN_PROG_CLOCK], r;

	if (fd < 0)
		return -ENOENT;
	r = bpf_prog_test_run_opts(fd, &opts);
	if (r < 0)
		return r;
	*ret = opts.retval;
	return 0;
}

/*
 * Jiffies cannot be read from user space, and the clocks that can drift away from them over days. So the programs are asked
 * once a minute, and in between the monotonic clock is followed.
 */
uint32_t ebn_dp_now_tick(struct ebpfnet_datapath *dp)
{
	uint64_t now = ebn_monotonic_ns(), len = ebn_dp_tick_ns(dp);
	struct ebn_dp_private *p = dp->p;
	uint32_t tick;

	if (!p->tick_checked_ns || now - p->tick_checked_ns > EBN_TICK_CHECK_NS) {
		if (ebn_tick_ask(dp, &tick) < 0)
			tick = (uint32_t)(ebn_jiffies_guess(dp, now) >> dp->tick_shift);
		p->tick_base = (uint32_t)(tick - (uint32_t)(now / len));
		p->tick_checked_ns = now;
	}
	return (uint32_t)(p->tick_base + now / len);
}

/* ---- the sweep ---- */

static void ebn_sweep_pace(struct ebpfnet_datapath *dp, uint32_t over)
{
	struct ebn_dp_private *p = dp->p;
	uint64_t ways = ((uint64_t)dp->flows[0].mask + dp->flows[1].mask + 2) * EBN_FLOW_WAYS;

	if (over || p->sweep_killed > p->sweep_live / 8 || p->sweep_live > ways / 4 * 3)
		p->sweep_every_ns = EBN_SWEEP_FAST_NS;
	else if (p->sweep_killed)
		p->sweep_every_ns = EBN_SWEEP_EVERY_NS;
	else
		p->sweep_every_ns = EBN_SWEEP_SLOW_NS;
}

/* Looks at n ways at most; false: that was the end of the turn. */
static bool ebn_sweep_slice(struct ebpfnet_datapath *dp, uint64_t n, struct ebpfnet_ct_sweep_stats *ret)
{
	const struct ebn_node_hdr *hdr = dp->node_mem;
	struct ebn_dp_private *p = dp->p;
	struct ebn_sweep s = { .now = ebn_dp_now_tick(dp), .idle_ticks = hdr->idle_ticks, .orphan = ebn_nat_orphan,
			       .orphan_arg = dp, .front = ebn_active_seen, .front_arg = dp };
	uint64_t killed, from, to;
	int i;

	for (i = 0; i < 2; i++) {
		if (p->sweep_done[i])
			continue;
		from = p->sweep_pos[i];
		s.owned = p->owned + (size_t)i * p->n_share;
		s.n_owned = p->n_share;
		killed = ebn_flow_sweep(&dp->flows[i], &s, &p->sweep_pos[i], n);
		p->sweep_done[i] = !p->sweep_pos[i];
		to = p->sweep_done[i] ? ((uint64_t)dp->flows[i].mask + 1) * EBN_FLOW_WAYS : p->sweep_pos[i];
		if (killed || s.dead)
			p->reap = true;
		p->sweep_killed += killed;
		p->sweep_live += s.live - killed;
		ret->looked_at += to - from;
		ret->expired += killed;
		ret->live += s.live - killed;
		/* expired ones among them were half open too, but nobody counts those apart */
		ret->half_open += s.half_open;
		return true;
	}
	ebn_active_end(dp);
	ebn_sweep_pace(dp, ebn_share_end(dp));
	ebn_nat_watch(dp);
	p->sweeping = false;
	p->sweep_due_ns = ebn_monotonic_ns() + p->sweep_every_ns;
	return false;
}

/* One wait serves everything that waits for one. */
int ebn_dp_grace(struct ebpfnet_datapath *dp)
{
	struct ebn_dp_private *p = dp->p;
	uint32_t cut = ebn_node_grace_cut(dp->node);
	bool reap = p->reap && !p->sweeping;
	int r, i;

	if (!cut && !reap)
		return 0;
	r = ebn_grace_wait(p->grace);
	if (r < 0)
		return r;
	if (cut)
		ebn_node_grace_done(dp->node);
	if (reap) {
		for (i = 0; i < 2; i++)
			ebn_flow_reap(&dp->flows[i]);
		p->reap = false;
	}
	return 1;
}

void ebn_dp_room(struct ebpfnet_datapath *dp)
{
	if (ebn_node_retired(dp->node) && ebn_node_used(dp->node) > ebn_node_size(dp->node) / 4 * 3)
		(void)ebn_dp_grace(dp);
}

static void ebn_sweep_begin(struct ebpfnet_datapath *dp, uint64_t now)
{
	struct ebn_dp_private *p = dp->p;

	if (p->sweeping || now < p->sweep_due_ns)
		return;
	p->sweeping = true;
	p->sweep_pos[0] = p->sweep_pos[1] = 0;
	p->sweep_done[0] = p->sweep_done[1] = false;
	p->sweep_killed = p->sweep_live = 0;
	ebn_share_begin(dp);
	ebn_active_begin(dp);
}

void ebn_dp_sweep_soon(struct ebpfnet_datapath *dp)
{
	uint64_t soon = ebn_monotonic_ns() + EBN_SWEEP_FAST_NS;

	if (dp->p->sweep_due_ns > soon)
		dp->p->sweep_due_ns = soon;
}

int ebpfnet_ct_sweep(struct ebpfnet_datapath *dp, uint32_t budget, struct ebpfnet_ct_sweep_stats *ret, size_t size)
{
	struct ebpfnet_ct_sweep_stats st = { 0 };
	uint64_t left;
	int r;

	if (!dp || (ret && !size))
		return -EINVAL;
	r = ebn_dp_writable(dp);
	if (r < 0)
		return r;
	/* asked for: due or not */
	ebn_sweep_begin(dp, UINT64_MAX);
	do {
		left = budget ? budget - st.looked_at : EBN_SWEEP_SLICE;
	} while (left && ebn_sweep_slice(dp, left, &st));
	/* the turn is at its end when there is nothing left, not when that is found out */
	if (dp->p->sweeping && dp->p->sweep_done[0] && dp->p->sweep_done[1])
		ebn_sweep_slice(dp, 1, &st);
	if (ret)
		ebn_copy_out(ret, size, &st, sizeof(st));
	return dp->p->sweeping;
}

int ebpfnet_datapath_maintain(struct ebpfnet_datapath *dp, unsigned int budget_us)
{
	uint64_t begin = ebn_monotonic_ns(), end = begin + budget_us * 1000ULL;
	struct ebpfnet_ct_sweep_stats st = { 0 };
	int r, e = 0;

	r = ebn_dp_writable(dp);
	if (r == -EBUSY)
		return 0;
	if (r < 0)
		return r;
	ebn_sweep_begin(dp, begin);
	for (;;) {
		r = dp->p->sweeping ? ebn_sweep_slice(dp, EBN_SWEEP_SLICE, &st) : ebn_dev_move_one(dp);
		if (!r && !dp->p->sweeping)
			r = ebn_dp_grace(dp);
		if (r < 0 && !e)
			e = r;
		if (r <= 0 && !dp->p->sweeping)
			break;
		if (budget_us && ebn_monotonic_ns() >= end)
			break;
	}
	if (e)
		return e;
	return dp->p->sweeping || dp->p->reap || ebn_dev_moves(dp) || ebn_node_retired(dp->node);
}

int ebpfnet_datapath_get_timeout(struct ebpfnet_datapath *dp)
{
	uint64_t now = ebn_monotonic_ns();
	int ms;

	if (!dp)
		return -EINVAL;
	if (dp->readonly || !dp->prepared || !dp->loaded)
		return -1;
	if (dp->p->sweeping || dp->p->reap || ebn_dev_moves(dp))
		return 0;
	ms = now >= dp->p->sweep_due_ns ? 0 : (int)((dp->p->sweep_due_ns - now) / 1000000) + 1;
	if (ebn_node_retired(dp->node) && ms > EBN_RETIRE_AFTER_MS)
		ms = EBN_RETIRE_AFTER_MS;
	return ms;
}
