// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Policies flip 10,000 times while a thread reads the tables as a program does: one root, no second look, inside a section
 * that the writer's grace periods wait for. Its answers are those of one policy or of the other, never of both. Both policies
 * speak of prefixes, of which some come and go and one is in a group that changes: the way from address to identity, which is
 * walked as programs do, is part of each answer. So are addresses with labels within prefixes that speak of such.
 */
#include <pthread.h>
#include <sched.h>

#include "../unit/suite.h"
#include "../unit/policy-arena.h"

#define FLIPS 10000
#define LABELLED 4	/* cells of identities */
#define WORLD 3		/* cells of addresses, at port 81 */
#define PODS 2		/* cells of addresses with labels, at port 81 */
#define CELLS (LABELLED + WORLD + PODS)

struct shared {
	struct arena a;
	uint32_t subject, id[2];
	uint32_t addr[WORLD + PODS][4];
	uint64_t section;	/* odd: the reader is inside */
	int stop;
	unsigned long read, seen[2], mixed;
};

static const uint16_t port[2] = { 80, 81 };
static const char *const address[WORLD + PODS] = {
	"192.0.2.1", "192.0.2.200", "198.51.100.1", "10.9.0.1", "10.9.1.1",
};
/* web:80, web:81, db:80, db:81, the addresses */
static const uint8_t want[2][CELLS] = { { 1, 0, 0, 0, 1, 0, 1, 1, 0 }, { 0, 1, 0, 1, 0, 1, 1, 0, 1 } };

static uint16_t get16(const struct shared *s, uint32_t off)
{
	return EBN_READ(*(const uint16_t *)((const char *)s->a.mem + (off & (s->a.size - 2))));
}

static uint32_t get32(const struct shared *s, uint32_t off)
{
	return EBN_READ(*(const uint32_t *)((const char *)s->a.mem + (off & (s->a.size - 4))));
}

/* Verdict under the directory at dir, read plainly. */
static uint8_t verdict(const struct shared *s, uint32_t dir, uint32_t identity, uint32_t cell)
{
#define SLOT(p) get32(s, dir + (uint32_t)offsetof(struct ebn_dir, slot) + 8 * (p))
#define FIELD(f) get32(s, row + (uint32_t)offsetof(struct ebn_policy_table, f))
	uint32_t row = SLOT(EBN_P_SUBJECT) + s->subject * 64 + EBN_INGRESS * 28;
	uint32_t page = get32(s, SLOT(EBN_P_IDDIR) + 4 * (identity / EBN_IDPAGE_CELLS));
	uint32_t peer = page ? get32(s, page + 4 * (identity % EBN_IDPAGE_CELLS)) : 0;
	uint32_t cls = get16(s, SLOT(EBN_P_PORT) + 2 * cell), r, c, d;

	r = get16(s, FIELD(rowmap) + 2 * (peer < FIELD(n_peer) ? peer : 0));
	c = get16(s, FIELD(colmap) + 2 * (cls < FIELD(n_port) ? cls : 0));
	d = get16(s, FIELD(matrix) + 2 * (r * get16(s, row + (uint32_t)offsetof(struct ebn_policy_table, ncols)) + c));
	return (uint8_t)get32(s, SLOT(EBN_P_DECISION) + d * 16);
#undef SLOT
#undef FIELD
}

/* The identity behind an address, under the directory at dir. */
static uint32_t behind(const struct shared *s, uint32_t dir, const uint32_t addr[4])
{
	const struct ebn_dir *d = (const void *)((const char *)s->a.mem + dir);
	struct ebn_prefix px;
	uint32_t number;
	int err;

	do
		err = ebn_rows_read_address(s->a.mem, s->a.size, d, addr, &number, NULL);
	while (err == -EAGAIN);
	if (!err)
		return number;
	do
		err = ebn_rows_read_prefix(s->a.mem, s->a.size, d, addr, &px);
	while (err == -EAGAIN);
	return err ? EBN_ID_WORLD : px.identity;
}

static void *reader(void *arg)
{
	struct shared *s = arg;
	struct ebn_node_hdr *h = s->a.mem;

	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		uint8_t got[CELLS];
		uint32_t dir;

		__atomic_fetch_add(&s->section, 1, __ATOMIC_SEQ_CST);
		dir = EBN_ROOT_OFF(__atomic_load_n(&h->root, __ATOMIC_ACQUIRE));
		for (int i = 0; i < CELLS; i++) {
			if (i < LABELLED)
				got[i] = verdict(s, dir, s->id[i / 2], port[i % 2]);
			else
				got[i] = verdict(s, dir, behind(s, dir, s->addr[i - LABELLED]), 81);
			if (s->read % 64 == 0 && i == 1)
				sched_yield();
		}
		__atomic_fetch_add(&s->section, 1, __ATOMIC_SEQ_CST);
		s->read++;
		if (!memcmp(got, want[0], CELLS))
			s->seen[0]++;
		else if (!memcmp(got, want[1], CELLS))
			s->seen[1]++;
		else
			s->mixed++;
	}
	return NULL;
}

static void grace(struct shared *s)
{
	uint64_t at;

	if (!ebn_node_grace_cut(s->a.nt))
		return;
	at = __atomic_load_n(&s->section, __ATOMIC_SEQ_CST);
	while ((at & 1) && __atomic_load_n(&s->section, __ATOMIC_SEQ_CST) == at)
		sched_yield();
	ebn_node_grace_done(s->a.nt);
}

static struct ebpfnet_policy_set *set_of(struct shared *s, const char *peer, uint16_t p,
					 const struct ebpfnet_policy_peer *net, const char *office,
					 const struct ebpfnet_policy_peer *pods)
{
	struct ebpfnet_port_range range = { .protocol = 6, .first = p, .last = p };
	struct ebpfnet_port_range at81 = { .protocol = 6, .first = 81, .last = 81 };
	struct ebpfnet_policy_peer group = { .kind = EBPFNET_PEER_CIDR_GROUP, .text = "office" };
	struct ebpfnet_policy_peer from = { .text = peer };
	const struct ebpfnet_policy_peer *peers[] = { &from, net, &group, pods };
	struct ebpfnet_policy_rule rule[4];
	struct ebpfnet_policy_group g = {
		EBPFNET_OPTS_INIT(g), .kind = EBPFNET_PEER_CIDR_GROUP, .name = "office", .prefixes = &office, .n_prefixes = 1,
	};
	struct ebpfnet_policy_opts opts = {
		EBPFNET_OPTS_INIT(opts), .name = "api", .subject = "app=api", .default_deny_ingress = 1,
	};
	struct ebpfnet_policy_set *set = NULL;

	for (int i = 0; i < 4; i++)
		rule[i] = (struct ebpfnet_policy_rule){
			EBPFNET_OPTS_INIT(rule[i]), .direction = EBPFNET_INGRESS, .action = EBPFNET_VERDICT_ALLOW,
			.peers = peers[i], .n_peers = 1, .ports = i ? &at81 : &range, .n_ports = 1,
		};
	ck_assert_int_eq(ebpfnet_policy_set_new(s->a.ctx, &set), 0);
	ck_assert_int_eq(ebpfnet_policy_set_group(set, &g), 0);
	ck_assert_int_eq(ebpfnet_policy_set_add(set, &opts, rule, 4), 0);
	return set;
}

static uint32_t identity(struct shared *s, const char *text)
{
	struct ebpfnet_labels *l = NULL;
	uint32_t id = 0;

	ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), 0);
	ck_assert_int_eq(ebn_policy_identity_get(s->a.policy, l, &id), 0);
	ebpfnet_labels_unref(l);
	return id;
}

START_TEST(never_both)
{
	static struct shared s;
	struct ebpfnet_policy_set *set[2];
	struct ebpfnet_labels *l = NULL;
	const char *upper = "192.0.2.128/25", *far = "10.9.1.0/24";
	pthread_t thread;
	char text[32];

	ck_assert_int_eq(arena_new(&s.a, 8 << 20), 0);
	s.id[0] = identity(&s, "app=web");
	s.id[1] = identity(&s, "app=db");
	ck_assert_int_eq(ebpfnet_labels_parse("app=api", NULL, NULL, &l), 0);
	ck_assert_int_eq(ebn_policy_subject_get(s.a.policy, l, &s.subject), 0);
	ebpfnet_labels_unref(l);
	for (int i = 0; i < WORLD + PODS; i++) {
		struct ebpfnet_addr addr;

		ck_assert_int_eq(ebpfnet_addr_parse(address[i], &addr), 0);
		memcpy(s.addr[i], addr.b, sizeof(s.addr[i]));
		if (i >= WORLD)
			ck_assert_int_eq(ebn_policy_addr_set(s.a.policy, s.addr[i], identity(&s, "app=pod"), 0), 0);
	}
	/*
	 * the first has the network without its upper half, the second the upper half, by a group; both the last address of the
	 * world; each one of the pods
	 */
	set[0] = set_of(&s, "app=web", 80,
			&(struct ebpfnet_policy_peer){ .kind = EBPFNET_PEER_CIDR, .text = "192.0.2.0/24",
						       .except = &upper, .n_except = 1 }, "198.51.100.0/24",
			&(struct ebpfnet_policy_peer){ .kind = EBPFNET_PEER_CIDR, .text = "10.9.0.0/16",
						       .flags = EBPFNET_PEER_F_ENDPOINTS, .except = &far,
						       .n_except = 1 });
	set[1] = set_of(&s, "app in (web,db)", 81,
			&(struct ebpfnet_policy_peer){ .kind = EBPFNET_PEER_CIDR, .text = "198.51.0.0/16" }, upper,
			&(struct ebpfnet_policy_peer){ .kind = EBPFNET_PEER_CIDR, .text = far,
						       .flags = EBPFNET_PEER_F_ENDPOINTS });
	ck_assert_int_eq(ebn_policy_commit(s.a.policy, set[0], NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, reader, &s), 0);
	for (int i = 1; i <= FLIPS; i++) {
		uint32_t other;

		ck_assert_int_eq(ebn_policy_commit(s.a.policy, set[i % 2], NULL), 0);
		/* identities of these and of new classes come and go meanwhile */
		snprintf(text, sizeof(text), i % 3 ? "app=web,n=%d" : "app=x,n=%d", i);
		other = identity(&s, text);
		grace(&s);
		ebn_policy_identity_put(s.a.policy, other);
		grace(&s);
	}
	__atomic_store_n(&s.stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	printf("%d flips, %lu readings, %lu and %lu of the two, %lu mixed\n", FLIPS, s.read, s.seen[0], s.seen[1], s.mixed);
	ck_assert_uint_eq(s.mixed, 0);
	ck_assert_uint_gt(s.seen[0], 0);
	ck_assert_uint_gt(s.seen[1], 0);
	ebpfnet_policy_set_free(set[0]);
	ebpfnet_policy_set_free(set[1]);
	arena_free(&s.a);
}
END_TEST

RUN_SUITE("policy flip", never_both)
