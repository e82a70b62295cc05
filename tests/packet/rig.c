// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "rig.h"
#include "counts.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/features.h"
#include "ebn_datapath.skel.h"
#include "../lib/skeleton.h"

EBN_SKELETON(ebn_datapath_bpf)

#define NODE_SIZE (1u << 20)	/* unless the test says otherwise */
#define ROWS (RIG_SHARES - 1)
#define OLD_SETS 16u

const uint8_t mac_a[6] = { 2, 0xa, 0, 0, 0, 0xa }, mac_b[6] = { 2, 0xb, 0, 0, 0, 0xb };
const uint8_t mac_gw[6] = { 2, 0xee, 0, 0, 0, 1 }, mac_nd[6] = { 2, 0xdd, 0, 0, 0, 1 };
const uint8_t mac_other[6] = { 2, 0xcc, 0, 0, 0, 1 };
struct rig rig;
uint32_t rig_came_by;

static struct ebn_datapath_bpf *skel;
static struct ring_buffer *ring;
static struct ebn_event last;
static unsigned int reports;
static uint64_t reasons_before[EBN_R_MAX];

const char *rig_reason_name(unsigned int reason)
{
	static const char *const names[] = {
#define EBN_X(n, name, text, hubble) [n] = #name,
		EBN_REASONS(EBN_X)
#undef EBN_X
	};

	return reason < sizeof(names) / sizeof(names[0]) && names[reason] ? names[reason] : "?";
}

static int on_event(void *arg, void *data, size_t size)
{
	(void)arg;
	ck_assert_uint_eq(size, sizeof(last));
	memcpy(&last, data, sizeof(last));
	reports++;
	return 0;
}

static void devices(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	ck_assert_int_eq(system("ip link add ea address 02:ee:00:00:00:01 type veth peer ea1 && "
				"ip link add eb address 02:ee:00:00:00:01 type veth peer eb1 && "
				"ip link add nd address 02:dd:00:00:00:01 type veth peer nd1"), 0);
	rig.ifindex_a = if_nametoindex("ea");
	rig.ifindex_b = if_nametoindex("eb");
	rig.ifindex_nd = if_nametoindex("nd");
	ck_assert_uint_ne(rig.ifindex_nd, 0);
}

static uint32_t node_size;

static struct bpf_map *old_map(int family)
{
	return family ? skel->maps.ebn_flow6_old : skel->maps.ebn_flow4_old;
}

static void old_tables(const struct ebn_flow_layout *layout)
{
	int i;

	bpf_map__set_autocreate(skel->maps.ebn_before, layout);
	for (i = 0; i < 2; i++) {
		bpf_map__set_autocreate(old_map(i), layout);
		if (layout)
			ck_assert_int_eq(bpf_map__set_value_size(old_map(i),
								 (uint32_t)ebn_flow_layout_bytes(layout, 1, i)), 0);
	}
	if (!layout)
		return;
	skel->rodata->ebn_cfg.has_old = 1;
	skel->rodata->ebn_cfg.old4_mask = skel->rodata->ebn_cfg.old6_mask = OLD_SETS - 1;
	skel->rodata->ebn_cfg.old = *layout;
}

static void open_old(const struct ebn_flow_layout *layout)
{
	int i;

	for (i = 0; layout && i < 2; i++) {
		rig.old[i] = rig.flows[i];
		rig.old[i].mask = OLD_SETS - 1;
		rig.old[i].layout = *layout;
		rig.old[i].mem = mmap(NULL, ebn_flow_layout_bytes(layout, OLD_SETS, i), PROT_READ | PROT_WRITE,
				      MAP_SHARED, bpf_map__fd(old_map(i)), 0);
		ck_assert_ptr_ne(rig.old[i].mem, MAP_FAILED);
	}
}

void rig_before(const int prog[6])
{
	uint32_t i, fd;

	for (i = 0; i < 6; i++) {
		fd = (uint32_t)prog[i];
		ck_assert_int_eq(bpf_map_update_elem(bpf_map__fd(skel->maps.ebn_before), &i, &fd, BPF_ANY), 0);
	}
}

static void load(const struct rig_opts *o)
{
	uint32_t sets = o->sets ? o->sets : 64;
	struct bpf_program *progs[RIG_PROGS];
	struct bpf_prog_info info;
	uint32_t len;
	int i;

	skel = ebn_datapath_bpf__open_as(EBN_LOADS_IN_ORDER && !o->weak);
	ck_assert_ptr_nonnull(skel);
	ck_assert_int_eq(bpf_map__set_value_size(skel->maps.ebn_node, node_size), 0);
	ck_assert_int_eq(bpf_map__set_max_entries(skel->maps.ebn_flow4, sets), 0);
	ck_assert_int_eq(bpf_map__set_max_entries(skel->maps.ebn_flow6, sets), 0);
	ck_assert_int_eq(bpf_map__set_max_entries(skel->maps.ebn_flow_share, RIG_SHARES), 0);
	old_tables(o->old);
	skel->rodata->ebn_cfg.node_size = node_size;
	skel->rodata->ebn_cfg.kernel_skb = !o->weak && ebn_probe_kernel_skb() > 0;
	skel->rodata->ebn_cfg.pace = !o->weak && ebn_probe_pace() > 0;
	skel->rodata->ebn_cfg.flow4_mask = skel->rodata->ebn_cfg.flow6_mask = sets - 1;
	skel->rodata->ebn_cfg.tick_shift = 5;
	skel->rodata->ebn_cfg.flow_seed[0] = 0x1234567;
	skel->rodata->ebn_cfg.flow_seed[1] = 0x89abcdef;
	ck_assert_int_eq(ebn_datapath_bpf__load(skel), 0);
	progs[FROM_EP] = skel->progs.ebn_from_ep;
	progs[TO_EP] = skel->progs.ebn_to_ep;
	progs[FROM_NETDEV] = skel->progs.ebn_from_netdev;
	progs[TO_NETDEV] = skel->progs.ebn_to_netdev;
	progs[WATCH_IN] = skel->progs.ebn_watch_in;
	progs[WATCH_OUT] = skel->progs.ebn_watch_out;
	progs[SVC_OUT] = skel->progs.ebn_svc_out;
	progs[SVC_BACK] = skel->progs.ebn_svc_back;
	progs[SVC_NONE] = skel->progs.ebn_svc_none;
	progs[SVC_IN] = skel->progs.ebn_svc_in;
	progs[FROM_OVERLAY] = skel->progs.ebn_from_overlay;
	progs[TO_OVERLAY] = skel->progs.ebn_to_overlay;
	progs[HOST] = skel->progs.ebn_host;
	progs[TOO_BIG] = skel->progs.ebn_too_big;
	progs[EGRESS] = skel->progs.ebn_egress;
	progs[CARRIED] = skel->progs.ebn_carried;
	progs[SVC_ABROAD] = skel->progs.ebn_svc_abroad;
	progs[SVC_HOME] = skel->progs.ebn_svc_home;
	progs[SVC_DIRECT] = skel->progs.ebn_svc_direct;
	progs[SVC_LANDED] = skel->progs.ebn_svc_landed;
	for (i = 0; i < RIG_PROGS; i++) {
		rig.prog[i] = bpf_program__fd(progs[i]);
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		ck_assert_int_eq(bpf_obj_get_info_by_fd(rig.prog[i], &info, &len), 0);
		rig.insns[i] = info.verified_insns;
	}
	for (i = 0; i < 2; i++) {
		struct bpf_map *map = i ? skel->maps.ebn_flow6 : skel->maps.ebn_flow4;

		rig.flows[i].mem = mmap(NULL, ebn_flow_bytes(sets, i), PROT_READ | PROT_WRITE, MAP_SHARED,
					bpf_map__fd(map), 0);
		ck_assert_ptr_ne(rig.flows[i].mem, MAP_FAILED);
		rig.flows[i].mask = sets - 1;
		rig.flows[i].v6 = i;
		rig.flows[i].seed[0] = 0x1234567;
		rig.flows[i].seed[1] = 0x89abcdef;
	}
	open_old(o->old);
	rig.share = mmap(NULL, RIG_SHARES * sizeof(*rig.share), PROT_READ | PROT_WRITE, MAP_SHARED,
			 bpf_map__fd(skel->maps.ebn_flow_share), 0);
	ck_assert_ptr_ne(rig.share, MAP_FAILED);
	ring = ring_buffer__new(bpf_map__fd(skel->maps.ebn_events), on_event, NULL, NULL);
	ck_assert_ptr_nonnull(ring);
}

static uint32_t piece(uint32_t type, uint32_t bytes, void *ret)
{
	uint32_t off;
	void *p;

	ck_assert_int_eq(ebn_node_alloc(rig.nt, type, bytes, &off), 0);
	p = ebn_node_ptr(rig.nt, off, bytes);
	memcpy(ret, &p, sizeof(p));
	return off;
}

static void policy_tables(void)
{
	static const struct ebn_decision decisions[D_MAX] = {
		[D_DEFAULT] = { .verdict = EBN_V_DENY, .flags = EBN_DEC_F_DEFAULT },
		[D_ALLOW] = { .verdict = EBN_V_ALLOW, .rule = 11 },
		[D_DENY] = { .verdict = EBN_V_DENY, .rule = 22 },
		[D_REDIRECT] = { .verdict = EBN_V_REDIRECT, .rule = 33, .proxy_port = 15001 },
		[D_AUTH] = { .verdict = EBN_V_AUTH, .rule = 44 },
		[D_AUDIT] = { .verdict = EBN_V_AUDIT, .rule = 55 },
	};
	uint32_t off, s, d, i, maps;
	struct ebn_decision *dec;
	uint16_t *port, *map;

	ck_assert_int_eq(ebn_node_begin(rig.nt), 0);
	off = piece(EBN_P_DECISION, sizeof(decisions), &dec);
	memcpy(dec, decisions, sizeof(decisions));
	ebn_node_set(rig.nt, EBN_P_DECISION, off, D_MAX);
	off = piece(EBN_P_PORT, EBN_PORT_CELLS * 2, &port);
	port[EBN_PORT_TCP + 80] = port[EBN_PORT_UDP + 80] = Q_WEB;
	for (unsigned int code = 0; code < 256; code++)
		port[EBN_PORT_ICMP + 8 * 256 + code] = port[EBN_PORT_ICMP6 + 128 * 256 + code] = Q_ECHO;
	ebn_node_set(rig.nt, EBN_P_PORT, off, EBN_PORT_CELLS);
	maps = piece(EBN_X_ROWMAP, 32, &map);
	for (i = 0; i < 16; i++)
		map[i] = (uint16_t)i;
	off = piece(EBN_P_SUBJECT, 4 * sizeof(*rig.subjects), &rig.subjects);
	ebn_node_set(rig.nt, EBN_P_SUBJECT, off, 4);
	for (s = SUBJECT_A; s <= SUBJECT_NONE; s++) {
		rig.subjects[s].flags = EBN_SUBJ_F_LIVE;
		for (d = 0; d < 2 && s != SUBJECT_NONE; d++) {
			struct ebn_policy_table *t = &rig.subjects[s].dir[d];

			t->rowmap = t->colmap = maps;
			t->matrix = piece(EBN_X_MATRIX, P_MAX * Q_MAX * 2, &rig.matrix[s][d]);
			t->nrows = P_MAX;
			t->ncols = Q_MAX;
			t->n_peer = P_MAX;
			t->n_port = Q_MAX;
		}
	}
	ck_assert_int_eq(ebn_node_publish(rig.nt), 0);
}

uint32_t rig_endpoint(uint32_t ifindex, const char *addr4, const char *addr6, const uint8_t *mac, uint16_t id,
		      uint32_t identity, uint32_t subject)
{
	uint32_t row, a[4];
	struct ebn_ep_row *ep;

	ck_assert_int_eq(ebn_ep_row_get(rig.rows, &row), 0);
	ep = ebn_ep_row(rig.rows, row);
	ep->ifindex = ifindex;
	ep->flags = EBN_EP_F_ENFORCE | EBN_EP_F_GATEWAY | EBN_EP_F_REDIRECT;
	ep->identity = ep->peer4 = ep->peer6 = identity;
	ep->subject = subject;
	ep->zone = RIG_ZONE;
	ep->id = id;
	memcpy(ep->mac, mac, 6);
	memcpy(ep->gw_mac, mac_gw, 6);
	packet_addr(addr4, a);
	ep->addr4 = a[3];
	ck_assert_int_eq(ebn_addr_set(rig.rows, a, identity, row + 1), 0);
	packet_addr(GW4, a);
	ep->gw4 = a[3];
	packet_addr(addr6, ep->addr6);
	ck_assert_int_eq(ebn_addr_set(rig.rows, ep->addr6, identity, row + 1), 0);
	packet_addr(GW6, ep->gw6);
	ck_assert_int_eq(ebn_ep_row_publish(rig.rows, row), 0);
	return row;
}

void rig_open(const struct rig_opts *opts)
{
	static const struct rig_opts defaults;
	static const uint64_t seed[2] = { 0x1234567, 0x89abcdef };
	uint32_t a[4];
	void *mem;

	memset(&rig, 0, sizeof(rig));
	memset(reasons_before, 0, sizeof(reasons_before));
	reports = 0;
	node_size = opts && opts->node_size ? opts->node_size : NODE_SIZE;
	devices();
	load(opts ? opts : &defaults);
	mem = mmap(NULL, node_size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(skel->maps.ebn_node), 0);
	ck_assert_ptr_ne(mem, MAP_FAILED);
	ck_assert_int_eq(ebn_node_format(mem, node_size, seed), 0);
	ck_assert_int_eq(ebn_node_open(mem, node_size, NULL, &rig.nt), 0);
	ck_assert_int_eq(ebn_rows_open(rig.nt, ROWS, NULL, &rig.rows), 0);
	rig.hdr = ebn_node_hdr(rig.nt);
	rig.hdr->observe = EBN_OBSERVE_DROP | EBN_OBSERVE_NEW | EBN_OBSERVE_CLOSE;
	for (int i = 0; i < 8; i++)
		rig.hdr->idle_ticks[i] = 1000;
	rig.hdr->give_up_ticks = 100000;
	rig.hdr->flags = opts && opts->midstream ? EBN_NODE_F_MIDSTREAM : 0;
	if (opts && opts->bare) {
		ck_assert_int_eq(ebn_node_adopted(rig.nt), 0);
		return;
	}
	rig.row_a = rig_endpoint(rig.ifindex_a, A4, A6, mac_a, 101, 1001, SUBJECT_A);
	rig.row_b = rig_endpoint(rig.ifindex_b, B4, B6, mac_b, 102, 1002, SUBJECT_B);
	packet_addr(FAR4, a);
	ck_assert_int_eq(ebn_addr_set(rig.rows, a, 1003, 0), 0);
	packet_addr(FAR6, a);
	ck_assert_int_eq(ebn_addr_set(rig.rows, a, 1003, 0), 0);
	ck_assert_int_eq(ebn_class_set(rig.rows, 1001, P_A), 0);
	ck_assert_int_eq(ebn_class_set(rig.rows, 1002, P_B), 0);
	ck_assert_int_eq(ebn_class_set(rig.rows, 1003, P_FAR), 0);
	ck_assert_int_eq(ebn_class_set(rig.rows, EBN_ID_HOST, P_HOST), 0);
	policy_tables();
}

void rig_close(void)
{
	ring_buffer__free(ring);
	ebn_rows_free(rig.rows);
	ebn_node_free(rig.nt);
	ebn_datapath_bpf__destroy(skel);
}

uint64_t rig_counter(enum ebn_counter c)
{
	uint64_t v;

	counts_sum(bpf_map__fd(skel->maps.ebn_counter), c, &v, 1);
	return v;
}

void rig_ep_stat(uint32_t row, struct ebn_ep_stat *ret)
{
	counts_sum(bpf_map__fd(skel->maps.ebn_ep_stat), row, (uint64_t *)ret, sizeof(*ret) / 8);
}

void rig_run_quiet(enum rig_prog prog, uint32_t ifindex, const struct packet *p, struct rig_result *ret)
{
	struct __sk_buff ctx = { .ifindex = ifindex, .ingress_ifindex = rig_came_by }, after = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = p->b, .data_size_in = (uint32_t)p->len, .data_out = ret->out.b,
		    .data_size_out = sizeof(ret->out.b), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx),
		    .ctx_out = &after, .ctx_size_out = sizeof(after), .repeat = 1);
	int r;

	r = bpf_prog_test_run_opts(rig.prog[prog], &o);
	ck_assert_msg(r == 0, "test run: %s (%zu bytes)", strerror(-r), p->len);
	ret->action = (int)o.retval;
	ret->out.len = o.data_size_out;
	ret->tstamp = after.tstamp;
}

void rig_run(enum rig_prog prog, uint32_t ifindex, const struct packet *p, struct rig_result *ret)
{
	rig_run_quiet(prog, ifindex, p, ret);
	reports = 0;
	ring_buffer__consume(ring);
	ret->reported = reports;
	if (reports)
		ret->event = last;
	else
		memset(&ret->event, 0, sizeof(ret->event));
	ret->reason = EBN_R_NONE;
	/* one that is answered is a drop, too */
	if (ret->action == DROP || (reports && last.type == EBN_EV_DROP))
		ret->reason = counts_reason(bpf_map__fd(skel->maps.ebn_reason), reasons_before);
}

int rig_map(const char *name)
{
	return bpf_object__find_map_fd_by_name(skel->obj, name);
}

void rig_counted(const char *map, uint32_t cell, uint64_t *ret, size_t n)
{
	const struct bpf_map *m = bpf_object__find_map_by_name(skel->obj, map);

	ck_assert_ptr_nonnull(m);
	counts_sum(bpf_map__fd(m), cell, ret, n);
}

static const uint8_t *mac_of(const char *addr)
{
	if (!strcmp(addr, A4) || !strcmp(addr, A6))
		return mac_a;
	if (!strcmp(addr, B4) || !strcmp(addr, B6))
		return mac_b;
	return NULL;
}

/* By its source: an endpoint here, or the wire. */
void rig_sends(const struct spec *spec, struct rig_result *ret)
{
	struct spec s = *spec;
	struct packet p;
	const uint8_t *mac = s.smac ? s.smac : mac_of(s.src);

	s.smac = mac ? mac : mac_other;
	if (!s.dmac)
		s.dmac = mac ? mac_gw : mac_nd;
	packet_make(&p, &s);
	if (!mac)
		rig_run(FROM_NETDEV, rig.ifindex_nd, &p, ret);
	else
		rig_run(FROM_EP, mac == mac_b ? rig.ifindex_b : rig.ifindex_a, &p, ret);
}

void rig_policy(uint32_t subject, enum ebn_dir_index dir, int peer, int port, int decision)
{
	rig.matrix[subject][dir][peer * Q_MAX + port] = (uint16_t)decision;
	ebn_node_raise_subject(rig.nt, subject);
}

void rig_allow_all(void)
{
	int d, peer, port;
	uint32_t s;

	for (s = SUBJECT_A; s <= SUBJECT_B; s++)
		for (d = 0; d < 2; d++)
			for (peer = 0; peer < P_MAX; peer++)
				for (port = 0; port < Q_MAX; port++)
					rig_policy(s, (enum ebn_dir_index)d, peer, port, D_ALLOW);
}

struct ebn_ep_row *rig_ep(uint32_t row)
{
	return ebn_ep_row(rig.rows, row);
}

void rig_nat(const struct ebn_nat_row *rows, uint32_t n)
{
	uint32_t off = 0, old = ebn_node_slot(rig.nt, EBN_P_NAT).off;

	if (n) {
		ck_assert_int_eq(ebn_node_alloc(rig.nt, EBN_P_NAT, n * (uint32_t)sizeof(*rows), &off), 0);
		memcpy(ebn_node_ptr(rig.nt, off, n * (uint32_t)sizeof(*rows)), rows, n * sizeof(*rows));
	}
	ck_assert_int_eq(ebn_node_swap(rig.nt, EBN_P_NAT, off, n), 0);
	ck_assert_int_eq(ebn_node_retire(rig.nt, old), 0);
}

int rig_flow(const struct spec *s, struct ebn_flow_copy *ret)
{
	return rig_flow_in(s, RIG_ZONE, ret);
}

bool rig_key(const struct spec *s, uint16_t zone, union ebn_flow_key *ret)
{
	uint8_t proto = s->proto ? s->proto : TCP;
	bool icmp = proto == ICMP || proto == ICMP6, v6 = spec_is6(s);
	uint16_t sport = htons(icmp ? s->id : s->sport), dport = htons(icmp ? 0 : s->dport);
	union ebn_flow_key key;
	uint32_t a[4], b[4];
	int hi, i;

	memset(&key, 0, sizeof(key));
	packet_addr(s->src, a);
	packet_addr(s->dst, b);
	for (i = 0; i < 3 && a[i] == b[i]; i++)
		;
	hi = a[i] != b[i] ? a[i] > b[i] : !icmp && sport > dport;
	if (v6) {
		memcpy(key.v6.addr[hi], a, 16);
		memcpy(key.v6.addr[!hi], b, 16);
		key.v6.port[icmp ? 0 : hi] = sport;
		key.v6.port[icmp ? 1 : !hi] = dport;
		key.v6.proto = proto;
		key.v6.aux = icmp && hi;
		key.v6.zone = zone;
	} else {
		key.v4.addr[hi] = a[3];
		key.v4.addr[!hi] = b[3];
		key.v4.port[icmp ? 0 : hi] = sport;
		key.v4.port[icmp ? 1 : !hi] = dport;
		key.v4.proto = proto;
		key.v4.aux = icmp && hi;
		key.v4.zone = zone;
	}
	*ret = key;
	return v6;
}

int rig_flow_in(const struct spec *s, uint16_t zone, struct ebn_flow_copy *ret)
{
	union ebn_flow_key key;
	bool v6 = rig_key(s, zone, &key);

	return ebn_flow_lookup(&rig.flows[v6], &key, ret);
}

void rig_flush(void)
{
	int i;

	for (i = 0; i < 2; i++)
		memset(rig.flows[i].mem, 0, ebn_flow_bytes(rig.flows[i].mask + 1, i));
}
