// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include "suite.h"

#include "policy-arena.h"

static struct arena a;
static struct ebpfnet_policy_set *set;

static void begin(uint64_t size)
{
	ck_assert_int_eq(arena_new(&a, size), 0);
	ck_assert_int_eq(ebpfnet_policy_set_new(a.ctx, &set), 0);
}

static void end(void)
{
	ebpfnet_policy_set_free(set);
	arena_free(&a);
}

static struct ebpfnet_labels *labels(const char *text)
{
	struct ebpfnet_labels *l = NULL;

	ck_assert_int_eq(ebpfnet_labels_parse(text, NULL, NULL, &l), 0);
	return l;
}

static uint32_t identity(const char *text)
{
	struct ebpfnet_labels *l = labels(text);
	uint32_t id = 0;

	ck_assert_int_eq(ebn_policy_identity_get(a.policy, l, &id), 0);
	ebpfnet_labels_unref(l);
	return id;
}

static uint32_t subject(const char *text)
{
	struct ebpfnet_labels *l = labels(text);
	uint32_t s = 0;

	ck_assert_int_eq(ebn_policy_subject_get(a.policy, l, &s), 0);
	ebpfnet_labels_unref(l);
	return s;
}

/* A policy for subjects that allows one peer in on one TCP port. */
static int add(const char *name, const char *subjects, const char *peer, uint16_t port)
{
	struct ebpfnet_port_range range = { .protocol = 6, .first = port, .last = port };
	struct ebpfnet_policy_peer from = { .text = peer };
	struct ebpfnet_policy_rule rule = {
		EBPFNET_OPTS_INIT(rule), .direction = EBPFNET_INGRESS, .action = EBPFNET_VERDICT_ALLOW,
		.peers = &from, .n_peers = 1, .ports = &range, .n_ports = 1,
	};
	struct ebpfnet_policy_opts opts = {
		EBPFNET_OPTS_INIT(opts), .name = name, .subject = subjects, .default_deny_ingress = 1,
	};

	return ebpfnet_policy_set_add(set, &opts, &rule, 1);
}

static const char *ask(uint32_t s, uint32_t id, uint16_t port)
{
	static struct ebpfnet_policy_answer answer;

	ck_assert_int_eq(ebn_policy_lookup(a.policy, s, EBPFNET_INGRESS, id, 6, port, &answer), 0);
	return answer.name;
}

static uint32_t epoch(uint32_t s)
{
	return *(uint32_t *)((char *)a.mem + EBN_EPOCH_SUBJECT_OFF + 4 * s);
}

static void commit(void)
{
	ck_assert_int_eq(ebn_policy_commit(a.policy, set, NULL), 0);
}

START_TEST(sets)
{
	struct ebpfnet_policy_opts none = { EBPFNET_OPTS_INIT(none) };
	struct ebpfnet_policy_rule rule = { EBPFNET_OPTS_INIT(rule), .action = EBPFNET_VERDICT_AUDIT };
	struct ebpfnet_policy_opts opts = { EBPFNET_OPTS_INIT(opts), .name = "x" };
	struct ebpfnet_policy_peer peer = { .text = "a in (" }, missing = { 0 };
	static const struct ebpfnet_port_range bad[] = {
		{ .protocol = 6, .first = 2, .last = 1 }, { .protocol = 1, .first = 1, .last = 256 },
		{ .protocol = 47, .first = 1, .last = 1 }, { .protocol = 6, .first = 1, .last = 1, .code = 1 },
	};

	begin(1 << 21);
	ck_assert_int_eq(ebpfnet_policy_set_add(set, &none, NULL, 0), -EINVAL);
	ck_assert_int_eq(ebpfnet_policy_set_add(set, &opts, NULL, 1), -EINVAL);
	ck_assert_int_eq(ebpfnet_policy_set_add(set, &opts, &rule, 1), -EINVAL);
	rule.action = EBPFNET_VERDICT_ALLOW;
	rule.n_peers = 1;
	ck_assert_int_eq(ebpfnet_policy_set_add(set, &opts, &rule, 1), -EINVAL);
	rule.peers = &missing;
	ck_assert_int_eq(ebpfnet_policy_set_add(set, &opts, &rule, 1), -EINVAL);
	rule.peers = &peer;
	ck_assert_int_eq(ebpfnet_policy_set_add(set, &opts, &rule, 1), -EINVAL);
	rule.n_peers = 0;
	rule.n_ports = 1;
	for (size_t i = 0; i < EBN_ARRAY_SIZE(bad); i++) {
		rule.ports = &bad[i];
		ck_assert_int_eq(ebpfnet_policy_set_add(set, &opts, &rule, 1), -EINVAL);
	}
	ck_assert_uint_eq(ebpfnet_policy_set_count(set), 0);
	ck_assert_int_eq(add("one", "", "", 1), 0);
	ck_assert_int_eq(add("one", "", "", 1), -EEXIST);
	ck_assert_int_eq(add("two", "", "", 1), 0);
	ck_assert_int_eq(add("line\nbreak", "", "", 1), -EINVAL);
	ck_assert_str_eq(ebpfnet_policy_set_name(set, 1), "two");
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "none"), -ENOENT);
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "one"), 0);
	ck_assert_str_eq(ebpfnet_policy_set_name(set, 0), "two");
	ck_assert_ptr_null(ebpfnet_policy_set_name(set, 1));
	ck_assert_int_eq(add("one", "", "", 1), 0);
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "two"), 0);
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "one"), 0);
	end();
}
END_TEST

START_TEST(identities)
{
	struct ebpfnet_labels *l;
	uint32_t x, y, id = 0;

	begin(1 << 21);
	x = identity("app=x");
	y = identity("app=y");
	ck_assert_uint_ge(x, 256);
	ck_assert_uint_ne(x, y);
	ck_assert_uint_eq(identity("app=x"), x);
	ck_assert_uint_eq(identity("reserved:world"), 2);
	ck_assert_str_eq(ebpfnet_labels_format(ebn_policy_identity_labels(a.policy, x)), "k8s:app=x;");
	ck_assert_str_eq(ebn_name_get(a.rows, EBN_NAME_IDENTITY, x), "k8s:app=x;");
	l = labels("reserved:host,app=x");
	ck_assert_int_eq(ebn_policy_identity_get(a.policy, l, &id), -EINVAL);
	ebpfnet_labels_unref(l);
	l = labels("reserved:king");
	ck_assert_int_eq(ebn_policy_identity_get(a.policy, l, &id), -EINVAL);
	ebpfnet_labels_unref(l);
	/* two references, then a rest until a grace period has gone by */
	ebn_policy_identity_put(a.policy, x);
	ck_assert_ptr_nonnull(ebn_policy_identity_labels(a.policy, x));
	ebn_policy_identity_put(a.policy, x);
	ck_assert_ptr_null(ebn_policy_identity_labels(a.policy, x));
	ck_assert_ptr_null(ebn_name_get(a.rows, EBN_NAME_IDENTITY, x));
	ck_assert_int_eq(ebn_policy_identity_ref(a.policy, x), -ENOENT);
	ck_assert_uint_ne(identity("app=x"), x);
	/* reserved ones are always there */
	for (int i = 0; i < 3; i++)
		ebn_policy_identity_put(a.policy, 2);
	ck_assert_ptr_nonnull(ebn_policy_identity_labels(a.policy, 2));
	end();
}
END_TEST

START_TEST(numbers_run_out_and_come_back)
{
	struct ebpfnet_labels *l;
	uint32_t id = 0, first = 0, n = 0;
	char text[32];
	int err;

	begin(64 << 20);
	for (;; n++) {
		snprintf(text, sizeof(text), "n=%u", n);
		l = labels(text);
		err = ebn_policy_identity_get(a.policy, l, &id);
		ebpfnet_labels_unref(l);
		if (err)
			break;
		first = n ? first : id;
	}
	ck_assert_int_eq(err, -ENOSPC);
	ck_assert_uint_eq(n, 65536 - 256);
	ebn_policy_identity_put(a.policy, first);
	l = labels("late=1");
	ck_assert_int_eq(ebn_policy_identity_get(a.policy, l, &id), -ENOSPC);
	arena_grace(&a);
	ck_assert_int_eq(ebn_policy_identity_get(a.policy, l, &id), 0);
	ck_assert_uint_eq(id, first);
	ebpfnet_labels_unref(l);
	end();
}
END_TEST

START_TEST(only_what_changed_is_checked_again)
{
	uint32_t api, db, web, e_api, e_db, generation;

	begin(4 << 20);
	web = identity("app=web");
	api = subject("app=api");
	db = subject("app=db");
	ck_assert_str_eq(ask(api, web, 80), "default allow");
	ck_assert_int_eq(add("api", "app=api", "app=web", 80), 0);
	ck_assert_int_eq(add("db", "app=db", "app=api", 5432), 0);
	commit();
	ck_assert_str_eq(ask(api, web, 80), "api#1");
	ck_assert_str_eq(ask(api, web, 81), "default deny");
	ck_assert_str_eq(ask(db, web, 5432), "default deny");
	/* one policy changed: its subject's flows are checked again, the other's are not */
	e_api = epoch(api);
	e_db = epoch(db);
	ck_assert_int_eq(ebpfnet_policy_set_remove(set, "db"), 0);
	ck_assert_int_eq(add("db", "app=db", "app=web", 5432), 0);
	commit();
	ck_assert_uint_eq(epoch(api), e_api);
	ck_assert_uint_ne(epoch(db), e_db);
	ck_assert_str_eq(ask(db, web, 5432), "db#1");
	/* the same again, and a policy that says nothing new: nobody's */
	e_db = epoch(db);
	generation = ebn_node_generation(a.nt);
	commit();
	ck_assert_uint_eq(ebn_node_generation(a.nt), generation);
	ck_assert_int_eq(add("other", "app=other", "app=web", 443), 0);
	commit();
	ck_assert_uint_eq(epoch(api), e_api);
	ck_assert_uint_eq(epoch(db), e_db);
	/* neither do identities, known classes or new ones */
	identity("app=web,version=2");
	identity("app=api");
	ck_assert_uint_eq(epoch(api), e_api);
	ck_assert_uint_eq(epoch(db), e_db);
	end();
}
END_TEST

START_TEST(known_things_cost_no_publish)
{
	uint32_t api, generation, id;

	begin(4 << 20);
	api = subject("app=api");
	identity("app=web");
	ck_assert_int_eq(add("api", "app=api", "app=web", 80), 0);
	commit();
	generation = ebn_node_generation(a.nt);
	/* an endpoint of a known subject, an identity of a known class, a subject whose tables are there */
	ck_assert_uint_eq(subject("app=api"), api);
	id = identity("app=web,version=2");
	ck_assert_str_eq(ask(api, id, 80), "api#1");
	subject("app=api,version=2");
	/* an identity of a new class that finds its rows */
	ck_assert_uint_eq(ebn_node_generation(a.nt), generation);
	ebn_policy_subject_put(a.policy, api);
	ck_assert_str_eq(ask(api, id, 80), "api#1");
	ebn_policy_subject_put(a.policy, api);
	arena_grace(&a);
	ck_assert_str_eq(ask(api, id, 80), "no policy");
	end();
}
END_TEST

/* Policies about a subject of their own each, with ports and peers of their own. */
static void add_many(unsigned int n)
{
	char name[32], sel[32], peer[32];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "p%u", i);
		snprintf(sel, sizeof(sel), "s=%u", i % 40);
		snprintf(peer, sizeof(peer), "i=%u", i);
		ck_assert_int_eq(add(name, sel, peer, (uint16_t)(1 + i)), 0);
	}
}

START_TEST(no_space_leaves_the_old_policy)
{
	struct ebpfnet_policy_stats stats = { 0 };
	struct ebpfnet_policy_commit_opts opts = { EBPFNET_OPTS_INIT(opts), .stats = &stats };
	struct ebpfnet_diag *diag = NULL;
	uint32_t s[40], web, generation;
	uint64_t used;
	char text[32];

	begin(1 << 21);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	opts.diag = diag;
	web = identity("app=web");
	for (unsigned int i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "s=%u", i);
		s[i] = subject(text);
	}
	for (unsigned int i = 0; i < 1500; i++) {
		snprintf(text, sizeof(text), "i=%u", i);
		identity(text);
	}
	ck_assert_int_eq(add("first", "s=1", "app=web", 80), 0);
	commit();
	arena_grace(&a);
	generation = ebn_node_generation(a.nt);
	used = ebn_node_used(a.nt);
	add_many(6000);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(ebn_policy_commit(a.policy, set, &opts), -ENOSPC);
		ck_assert_uint_eq(ebpfnet_diag_count(diag), 1);
		ebpfnet_diag_clear(diag);
		ck_assert_uint_gt(stats.bytes, stats.bytes_free);
		ck_assert_uint_eq(ebn_node_generation(a.nt), generation);
		arena_grace(&a);
		ck_assert_uint_eq(ebn_node_used(a.nt), used);
		ck_assert_str_eq(ask(s[1], web, 80), "first#1");
		ck_assert_str_eq(ask(s[2], web, 80), "default allow");
	}
	ebpfnet_diag_free(diag);
	end();
}
END_TEST

START_TEST(dry_run_changes_nothing)
{
	struct ebpfnet_policy_stats stats = { 0 };
	struct ebpfnet_policy_commit_opts opts = { EBPFNET_OPTS_INIT(opts), .dry_run = 1, .stats = &stats };
	uint32_t api, web, generation;
	uint64_t used;

	begin(4 << 20);
	web = identity("app=web");
	api = subject("app=api");
	ck_assert_int_eq(add("api", "app=api", "app=web", 80), 0);
	generation = ebn_node_generation(a.nt);
	used = ebn_node_used(a.nt);
	ck_assert_int_eq(ebn_policy_commit(a.policy, set, &opts), 0);
	ck_assert_uint_eq(stats.policies, 1);
	ck_assert_uint_eq(stats.rules, 1);
	ck_assert_uint_eq(stats.peer_classes, 2);
	ck_assert_uint_eq(stats.port_classes, 2);
	ck_assert_uint_gt(stats.bytes, used);
	ck_assert_uint_eq(ebn_node_generation(a.nt), generation);
	ck_assert_uint_eq(ebn_node_used(a.nt), used);
	ck_assert_str_eq(ask(api, web, 81), "default allow");
	opts.dry_run = 0;
	ck_assert_int_eq(ebn_policy_commit(a.policy, set, &opts), 0);
	ck_assert_str_eq(ask(api, web, 81), "default deny");
	ck_assert_uint_eq(stats.peer_classes, 2);
	end();
}
END_TEST

START_TEST(adoption_refuses_what_is_not_sane)
{
	struct ebpfnet_diag *diag = NULL;
	struct ebn_subject_row *row;
	uint32_t api, web, was;
	uint16_t *cell, cell_was;

	begin(4 << 20);
	ck_assert_int_eq(ebpfnet_diag_new(&diag), 0);
	web = identity("app=web");
	api = subject("app=api");
	ck_assert_int_eq(add("api", "app=api", "app=web", 80), 0);
	commit();
	row = (struct ebn_subject_row *)((char *)a.mem + ebn_node_slot(a.nt, EBN_P_SUBJECT).off) + api;
	was = row->dir[EBN_INGRESS].matrix;
	row->dir[EBN_INGRESS].matrix = was + 64;
	ck_assert_int_eq(arena_adopt(&a, diag), -EPROTO);
	ck_assert_uint_eq(ebpfnet_diag_count(diag), 1);
	row->dir[EBN_INGRESS].matrix = was;
	cell = (uint16_t *)((char *)a.mem + row->dir[EBN_INGRESS].rowmap);
	cell_was = *cell;
	*cell = 5000;
	ck_assert_int_eq(arena_adopt(&a, diag), -EPROTO);
	*cell = cell_was;
	row->dir[EBN_INGRESS].ncols++;
	ck_assert_int_eq(arena_adopt(&a, diag), 0);
	row->dir[EBN_INGRESS].ncols--;
	ck_assert_int_eq(arena_adopt(&a, diag), 0);
	ck_assert_str_eq(ask(api, web, 80), "api#1");
	ebpfnet_diag_free(diag);
	end();
}
END_TEST

START_TEST(between_adoption_and_commit)
{
	uint32_t api, web, late, other;

	begin(4 << 20);
	web = identity("app=web");
	api = subject("app=api");
	ck_assert_int_eq(add("api", "app=api", "app=web", 80), 0);
	commit();
	ck_assert_int_eq(arena_adopt(&a, NULL), 0);
	ck_assert_uint_eq(subject("app=api"), api);
	ck_assert_uint_eq(identity("app=web"), web);
	ck_assert_str_eq(ask(api, web, 80), "api#1");
	/* who comes now is treated with care: known to nobody, allowed nothing */
	late = identity("app=web,version=2");
	other = subject("app=other");
	ck_assert_str_eq(ask(api, late, 80), "default deny");
	ck_assert_str_eq(ask(other, web, 80), "no policy");
	commit();
	ck_assert_str_eq(ask(api, late, 80), "api#1");
	ck_assert_str_eq(ask(other, web, 80), "default allow");
	/* what nobody takes up again goes */
	ck_assert_int_eq(arena_adopt(&a, NULL), 0);
	ck_assert_uint_eq(subject("app=api"), api);
	ebn_policy_sweep(a.policy);
	ck_assert_ptr_null(ebn_policy_identity_labels(a.policy, web));
	ck_assert_str_eq(ask(api, web, 80), "default deny");
	end();
}
END_TEST

/*
 * The row of a subject that went just before the process did names the tables a new one gets; its number is free, and nothing
 * in the tables has to change for the new one but that the row is in use again.
 */
START_TEST(a_row_left_behind_is_not_a_live_one)
{
	static const struct ebpfnet_port_range http = { .protocol = 6, .name = "http" };
	struct ebpfnet_policy_rule rule = {
		EBPFNET_OPTS_INIT(rule), .direction = EBPFNET_INGRESS, .action = EBPFNET_VERDICT_ALLOW,
		.ports = &http, .n_ports = 1,
	};
	struct ebpfnet_policy_opts opts = { EBPFNET_OPTS_INIT(opts), .name = "http", .subject = "app=other" };
	static const char next[] = "app=next,port:http/tcp=80";
	struct ebn_subject_row *row;
	uint32_t web, stays, goes;

	begin(4 << 20);
	web = identity("app=web");
	stays = subject("app=stays");
	goes = subject("app=goes");
	ck_assert_int_eq(add("all", "app!=other", "app=web", 81), 0);
	ck_assert_int_eq(ebpfnet_policy_set_add(set, &opts, &rule, 1), 0);
	commit();
	ebn_policy_subject_put(a.policy, goes);
	ck_assert_int_eq(arena_adopt(&a, NULL), 0);
	ck_assert_uint_eq(subject("app=stays"), stays);
	ck_assert_uint_eq(identity("app=web"), web);
	ebn_policy_sweep(a.policy);
	commit();
	row = (struct ebn_subject_row *)((char *)a.mem + ebn_node_slot(a.nt, EBN_P_SUBJECT).off) + goes;
	ck_assert_uint_ne(row->dir[EBN_INGRESS].matrix, 0);
	/* the first to give the port's name a number, under a rule that is not about it */
	ck_assert_uint_eq(subject(next), goes);
	ck_assert_str_eq(ask(goes, web, 81), "all#1");
	row = (struct ebn_subject_row *)((char *)a.mem + ebn_node_slot(a.nt, EBN_P_SUBJECT).off) + goes;
	ck_assert_uint_eq(row->flags, EBN_SUBJ_F_LIVE);
	ck_assert_uint_eq(row->refs, 1);
	/* the next process finds it */
	ck_assert_int_eq(arena_adopt(&a, NULL), 0);
	ck_assert_uint_eq(subject(next), goes);
	ck_assert_str_eq(ask(goes, web, 81), "all#1");
	ck_assert_str_eq(ask(goes, web, 80), "default deny");
	end();
}
END_TEST

/* A rule with a text for logs; the number that decisions name it by. */
static uint32_t logged(const char *log)
{
	struct ebpfnet_policy_rule rule = {
		EBPFNET_OPTS_INIT(rule), .direction = EBPFNET_INGRESS, .action = EBPFNET_VERDICT_ALLOW, .log = log,
	};
	struct ebpfnet_policy_opts opts = { EBPFNET_OPTS_INIT(opts), .name = "logs", .subject = "app=s" };
	struct ebpfnet_policy_answer answer;

	ebpfnet_policy_set_remove(set, "logs");
	ck_assert_int_eq(ebpfnet_policy_set_add(set, &opts, &rule, 1), 0);
	commit();
	ck_assert_int_eq(ebn_policy_lookup(a.policy, subject("app=s"), EBPFNET_INGRESS, 2, 6, 80, &answer), 0);
	ck_assert_str_eq(answer.name, "logs#1");
	return answer.rule;
}

START_TEST(a_number_stands_for_a_name_and_a_text)
{
	uint32_t one, two, none;

	begin(1 << 21);
	one = logged("one");
	ck_assert_str_eq(ebn_name_get(a.rows, EBN_NAME_RULE_LOG, one), "one");
	ck_assert_uint_eq(logged("one"), one);
	two = logged("two");
	ck_assert_uint_ne(two, one);
	ck_assert_str_eq(ebn_name_get(a.rows, EBN_NAME_RULE_LOG, two), "two");
	ck_assert_ptr_null(ebn_name_get(a.rows, EBN_NAME_RULE, one));
	ck_assert_ptr_null(ebn_name_get(a.rows, EBN_NAME_RULE_LOG, one));
	/* also for who takes the tables over */
	ck_assert_int_eq(arena_adopt(&a, NULL), 0);
	ck_assert_uint_eq(logged("two"), two);
	ck_assert_int_eq(arena_adopt(&a, NULL), 0);
	none = logged(NULL);
	ck_assert_uint_ne(none, two);
	ck_assert_ptr_null(ebn_name_get(a.rows, EBN_NAME_RULE_LOG, two));
	ck_assert_ptr_null(ebn_name_get(a.rows, EBN_NAME_RULE_LOG, none));
	end();
}
END_TEST

/* Endpoints of different labels whose policies say the same have one table between them. */
START_TEST(endpoints_with_one_policy_share_a_table)
{
	enum { N = 500 };
	const struct ebn_subject_row *row;
	struct ebn_slot slot;
	uint32_t s[N];
	char text[32];

	begin(8 << 20);
	for (uint16_t i = 0; i < 40; i++) {
		snprintf(text, sizeof(text), "p%u", i);
		ck_assert_int_eq(add(text, "app=a", i % 2 ? "app=b" : "app=a", (uint16_t)(1000 + i)), 0);
	}
	commit();
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "app=a,pod=p%d", i);
		identity(text);
		s[i] = subject(text);
	}
	slot = ebn_node_slot(a.nt, EBN_P_SUBJECT);
	row = ebn_node_ptr(a.nt, slot.off, slot.n * (uint32_t)sizeof(*row));
	for (int i = 0; i < N; i++) {
		ck_assert_uint_eq(row[s[i]].flags & EBN_SUBJ_F_LIVE, EBN_SUBJ_F_LIVE);
		ck_assert_int_eq(i && s[i] == s[i - 1], 0);
		ck_assert_mem_eq(row[s[i]].dir, row[s[0]].dir, sizeof(row->dir));
	}
	ck_assert_uint_ne(row[s[0]].dir[EBN_INGRESS].matrix, 0);
	/* until one has a policy of its own */
	ck_assert_int_eq(add("own", "pod=p7", "app=c", 80), 0);
	commit();
	identity("app=c");
	slot = ebn_node_slot(a.nt, EBN_P_SUBJECT);
	row = ebn_node_ptr(a.nt, slot.off, slot.n * (uint32_t)sizeof(*row));
	for (int i = 0; i < N; i++)
		ck_assert_int_eq(memcmp(row[s[i]].dir, row[s[0]].dir, sizeof(row->dir)) == 0, i != 7);
	ck_assert_str_eq(ask(s[7], identity("app=c"), 80), "own#1");
	ck_assert_str_eq(ask(s[8], identity("app=c"), 80), "default deny");
	end();
}
END_TEST

RUN_SUITE("policy", sets, identities, numbers_run_out_and_come_back, only_what_changed_is_checked_again,
	  known_things_cost_no_publish, no_space_leaves_the_old_policy, dry_run_changes_nothing,
	  adoption_refuses_what_is_not_sane, between_adoption_and_commit,
	  a_row_left_behind_is_not_a_live_one, a_number_stands_for_a_name_and_a_text,
	  endpoints_with_one_policy_share_a_table)
