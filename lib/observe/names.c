// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#include <sys/utsname.h>

#include "observe/names.h"
#include "conntrack/tables.h"

/* How often at most the tables are looked at because a number is not known. */
#define RETRY_NS 5000000u
/* How long the distance between the clocks is believed. */
#define CLOCK_NS 1000000000u

struct entry {
	uint32_t number;
	char *text;		/* NULL: place unused */
	const char *labels;	/* endpoints: inside text */
};

/* number -> text; open addressing, at most half full. */
struct table {
	struct entry *e;
	uint32_t size, n;
};

/* What the tables said at one time. */
struct snapshot {
	uint32_t generation;
	struct table identities, rules, logs, endpoints;
	struct ebn_decision *decisions;
	uint32_t n_decisions;
};

/*
 * Two snapshots: events that were decided before the newest change are named by what was true then, because rules and
 * the indexes of decisions may have been given to others since.
 */
struct ebpfnet_names {
	const void *mem;
	uint64_t size;
	void *owner;			/* of mem */
	ebn_locate_fn locate;
	void (*release)(void *owner);
	char *node;
	struct snapshot *now, *before;
	uint64_t signature;
	uint64_t retry_ns;		/* CLOCK_MONOTONIC: not before */
	uint64_t clock_ns;		/* CLOCK_MONOTONIC: offset is believed until */
	uint64_t offset;		/* CLOCK_REALTIME - CLOCK_MONOTONIC */
};

static struct entry *place(const struct table *t, uint32_t number)
{
	uint32_t i = (uint32_t)ebn_mix64(number);

	for (;; i++) {
		struct entry *e = &t->e[i & (t->size - 1)];

		if (!e->text || e->number == number)
			return e;
	}
}

static const struct entry *find(const struct table *t, uint32_t number)
{
	struct entry *e = t->n ? place(t, number) : NULL;

	return e && e->text ? e : NULL;
}

static int table_grow(struct table *t)
{
	struct table bigger = { .size = t->size ? t->size * 2 : 64, .n = t->n };
	uint32_t i;

	bigger.e = ebn_calloc(bigger.size, sizeof(*bigger.e));
	if (!bigger.e)
		return -ENOMEM;
	for (i = 0; i < t->size; i++)
		if (t->e[i].text)
			*place(&bigger, t->e[i].number) = t->e[i];
	free(t->e);
	*t = bigger;
	return 0;
}

static int table_add(struct table *t, uint32_t number, const char *text, struct entry **ret)
{
	struct entry *e;
	char *copy;

	if ((t->n + 1) * 2 > t->size && table_grow(t) < 0)
		return -ENOMEM;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	e = place(t, number);
	if (e->text)
		free(e->text);
	else
		t->n++;
	*e = (struct entry){ .number = number, .text = copy };
	if (ret)
		*ret = e;
	return 0;
}

static void table_done(struct table *t)
{
	uint32_t i;

	for (i = 0; i < t->size; i++)
		free(t->e[i].text);
	free(t->e);
}

static struct snapshot *snapshot_free(struct snapshot *s)
{
	if (s) {
		table_done(&s->identities);
		table_done(&s->rules);
		table_done(&s->logs);
		table_done(&s->endpoints);
		free(s->decisions);
		free(s);
	}
	return NULL;
}

static int add_name(uint32_t number, const char *text, void *arg)
{
	return table_add(arg, number, text, NULL);
}

/* Names of endpoints are kept by row. */
struct rows {
	uint16_t *id;
	uint32_t n;
	struct table *endpoints;
};

/* "name\tlabels" */
static int add_endpoint(uint32_t row, const char *text, void *arg)
{
	struct rows *rows = arg;
	struct entry *e;
	char *tab;
	int rc;

	if (row >= rows->n || !rows->id[row])
		return 0;
	rc = table_add(rows->endpoints, rows->id[row], text, &e);
	if (rc < 0)
		return rc;
	tab = strchr(e->text, '\t');
	if (tab)
		*tab = '\0';
	e->labels = tab ? tab + 1 : "";
	return 0;
}

static int read_endpoints(struct ebpfnet_names *names, struct snapshot *s)
{
	struct rows rows = { .endpoints = &s->endpoints };
	int rc;

	rc = ebn_read_row_ids(names->mem, names->size, &rows.id, &rows.n);
	if (rc < 0)
		return rc;
	rc = ebn_rows_read_names(names->mem, names->size, EBN_NAME_ENDPOINT, add_endpoint, &rows);
	free(rows.id);
	return rc;
}

/*
 * Sums up what names depend on: the root, and the words that change in place: the cells of names and of each row its
 * incarnation and name. Equal sums: nothing changed.
 */
static int sign(struct ebpfnet_names *names, uint64_t *ret)
{
	const char *mem = names->mem;
	struct ebn_slot cells, rows;
	struct ebn_dir dir;
	uint64_t root, sum;
	uint32_t i;
	int rc;

	rc = ebn_node_read_root(mem, names->size, &root, &dir);
	if (rc < 0)
		return rc;
	sum = ebn_mix64(root);
	cells = dir.slot[EBN_P_NAMES];
	rows = dir.slot[EBN_P_ENDPOINT];
	if ((cells.off && !ebn_slot_fits(names->size, cells, sizeof(uint64_t))) ||
	    (rows.off && !ebn_slot_fits(names->size, rows, sizeof(struct ebn_ep_row))))
		return -EPROTO;
	for (i = 0; cells.off && i < cells.n; i++)
		sum = (sum ^ EBN_READ(((const uint64_t *)(const void *)(mem + cells.off))[i])) * 0x9e3779b97f4a7c15u;
	for (i = 0; rows.off && i < rows.n; i++) {
		const struct ebn_ep_row *r = (const struct ebn_ep_row *)(const void *)(mem + rows.off) + i;

		sum = (sum ^ ((uint64_t)EBN_READ(r->incarnation) << 32 | EBN_READ(r->meta))) * 0x9e3779b97f4a7c15u;
	}
	*ret = sum;
	return 0;
}

static int read_tables(struct ebpfnet_names *names, struct snapshot *s)
{
	int rc;

	rc = ebn_read_decisions(names->mem, names->size, &s->decisions, &s->n_decisions, &s->generation);
	if (!rc)
		rc = ebn_rows_read_names(names->mem, names->size, EBN_NAME_RULE, add_name, &s->rules);
	if (!rc)
		rc = ebn_rows_read_names(names->mem, names->size, EBN_NAME_RULE_LOG, add_name, &s->logs);
	if (!rc)
		rc = ebn_rows_read_names(names->mem, names->size, EBN_NAME_IDENTITY, add_name, &s->identities);
	if (!rc)
		rc = read_endpoints(names, s);
	return rc;
}

/* Reads everything anew. -EAGAIN: the tables keep changing; what is there stays. */
static int reload(struct ebpfnet_names *names, uint64_t signature)
{
	struct snapshot *s;
	int rc = -EAGAIN, tries;

	for (tries = 0; rc == -EAGAIN && tries < 8; tries++) {
		s = ebn_calloc(1, sizeof(*s));
		if (!s)
			return -ENOMEM;
		rc = read_tables(names, s);
		if (rc < 0)
			s = snapshot_free(s);
	}
	if (rc < 0)
		return rc;
	snapshot_free(names->before);
	names->before = names->now;
	names->now = s;
	names->signature = signature;
	return 1;
}

static void set_clock(struct ebpfnet_names *names, uint64_t now)
{
	names->offset = ebn_realtime_ns() - now;
	names->clock_ns = now + CLOCK_NS;
}

int ebpfnet_names_refresh(struct ebpfnet_names *names)
{
	uint64_t signature;
	int rc;

	if (!names)
		return -EINVAL;
	set_clock(names, ebn_monotonic_ns());
	names->mem = names->locate(names->owner, &names->size);
	if (!names->mem)
		return -EPROTO;
	rc = sign(names, &signature);
	if (rc < 0 || (names->now && signature == names->signature))
		return rc;
	rc = reload(names, signature);
	/* what changes all the time is read next time; until then the old names are good */
	return rc == -EAGAIN && names->now ? 0 : rc;
}

int ebn_names_new(ebn_locate_fn locate, void (*release)(void *owner), void *owner, const char *node,
		  struct ebpfnet_names **ret)
{
	struct ebpfnet_names *names = ebn_calloc(1, sizeof(*names));
	struct utsname host;
	int rc = -ENOMEM;

	if (!names)
		return -ENOMEM;
	names->locate = locate;
	names->owner = owner;
	if (!node)
		node = uname(&host) < 0 || !host.nodename[0] ? "localhost" : host.nodename;
	names->node = strdup(node);
	if (names->node)
		rc = ebpfnet_names_refresh(names);
	if (rc < 0) {
		ebpfnet_names_free(names);
		return rc;
	}
	names->release = release;
	*ret = names;
	return 0;
}

void ebpfnet_names_free(struct ebpfnet_names *names)
{
	if (!names)
		return;
	snapshot_free(names->now);
	snapshot_free(names->before);
	if (names->release)
		names->release(names->owner);
	free(names->node);
	free(names);
}

static const char *reserved_labels(uint32_t identity)
{
	static const char *const labels[] = {
		[EBN_ID_HOST] = "reserved:host;",
		[EBN_ID_WORLD] = "reserved:world;",
		[EBN_ID_UNMANAGED] = "reserved:unmanaged;",
		[EBN_ID_HEALTH] = "reserved:health;",
		[EBN_ID_INIT] = "reserved:init;",
		[EBN_ID_REMOTE_NODE] = "reserved:remote-node;",
		[EBN_ID_KUBE_APISERVER] = "reserved:kube-apiserver;",
		[EBN_ID_INGRESS] = "reserved:ingress;",
	};

	return identity < EBN_ARRAY_SIZE(labels) ? labels[identity] : NULL;
}

/* In the newest snapshot, else in the one before. */
static const struct entry *find_number(const struct ebpfnet_names *names, size_t table, uint32_t number)
{
	const struct entry *e = find((const struct table *)(const void *)((const char *)names->now + table), number);

	if (!e && names->before)
		e = find((const struct table *)(const void *)((const char *)names->before + table), number);
	return e;
}
#define FIND(names, table, number) find_number(names, offsetof(struct snapshot, table), number)

/* false: there is a number without a name. */
static bool put_side(const struct ebpfnet_names *names, uint32_t identity, uint16_t endpoint,
		     struct ebpfnet_flow_side *side)
{
	const struct entry *ep = endpoint ? FIND(names, endpoints, endpoint) : NULL;
	const char *reserved = reserved_labels(identity);
	const struct entry *id = reserved ? NULL : FIND(names, identities, identity);

	side->identity = identity;
	side->endpoint = endpoint;
	side->name = ep ? ep->text : NULL;
	/* what policy looked at is the identity, so its labels go first */
	side->labels = reserved ? reserved : id ? id->text : ep ? ep->labels : "";
	return (ep || !endpoint) && (reserved || id || !identity);
}

/* What is told of one direction's decision. */
struct told {
	const char *rule, *log;
	uint8_t verdict;
};

static bool put_rule(const struct ebpfnet_names *names, uint32_t generation, uint16_t decision, struct told *ret)
{
	const struct snapshot *s = names->now;
	const struct entry *rule, *log = NULL;
	const struct ebn_decision *d;

	*ret = (struct told){ .verdict = EBPFNET_FLOW_NOT_ASKED };
	if (decision == EBN_DECISION_NONE)
		return true;
	/* generations wrap */
	if (names->before && (int32_t)(generation - s->generation) < 0)
		s = names->before;
	if (decision >= s->n_decisions)
		return false;
	d = &s->decisions[decision];
	ret->verdict = d->verdict;
	if (!d->rule) {
		ret->rule = d->verdict == EBN_V_DENY || d->verdict == EBN_V_AUDIT ? "default deny" : "default allow";
		return true;
	}
	rule = find(&s->rules, d->rule);
	if (!rule)
		rule = FIND(names, rules, d->rule);
	ret->rule = rule ? rule->text : "?";
	if (d->flags & EBN_DEC_F_LOG) {
		log = find(&s->logs, d->rule);
		if (!log)
			log = FIND(names, logs, d->rule);
		ret->log = log ? log->text : NULL;
	}
	return rule && !log == !(d->flags & EBN_DEC_F_LOG);
}

static bool put_names(const struct ebpfnet_names *names, const struct ebpfnet_event *e, struct ebpfnet_flow *f)
{
	bool source = e->point == EBN_AT_FROM_ENDPOINT || e->point == EBN_AT_TO_NETDEV || e->point == EBN_AT_TO_HOST;
	struct told egress, ingress;
	bool all = true;

	all &= put_side(names, e->src_identity, source ? e->ep : e->peer_ep, &f->src);
	all &= put_side(names, e->dst_identity, source ? e->peer_ep : e->ep, &f->dst);
	all &= put_rule(names, e->generation, e->egress_decision, &egress);
	all &= put_rule(names, e->generation, e->ingress_decision, &ingress);
	f->egress_rule = egress.rule;
	f->egress_log = egress.log;
	f->egress_verdict = egress.verdict;
	f->ingress_rule = ingress.rule;
	f->ingress_log = ingress.log;
	f->ingress_verdict = ingress.verdict;
	return all;
}

/* Names are missing, or older than the event while newer ones are to be had. */
static bool worth_a_look(struct ebpfnet_names *names, const struct ebpfnet_event *e, bool all)
{
	const struct ebn_node_hdr *hdr = names->locate(names->owner, &names->size);
	uint64_t now;

	if (hdr && (int32_t)(e->generation - names->now->generation) > 0 &&
	    EBN_ROOT_GEN(EBN_READ(hdr->root)) != names->now->generation)
		return true;
	if (all)
		return false;
	now = ebn_monotonic_ns();
	if (now < names->retry_ns)
		return false;
	names->retry_ns = now + RETRY_NS;
	return true;
}

int ebpfnet_flow_from_event(struct ebpfnet_names *names, const struct ebpfnet_event *event, struct ebpfnet_flow *ret,
			    size_t size)
{
	struct ebpfnet_flow f;

	if (!names || !event || !ret)
		return -EINVAL;
	memset(&f, 0, sizeof(f));
	f.event = *event;
	/* the event's clock runs with ours: a second of events needs one look at it */
	if (event->time_ns >= names->clock_ns)
		set_clock(names, ebn_monotonic_ns());
	if (worth_a_look(names, event, put_names(names, event, &f)) && ebpfnet_names_refresh(names) > 0)
		put_names(names, event, &f);
	f.realtime_ns = event->time_ns + names->offset;
	f.node = names->node;
	ebn_copy_out(ret, size, &f, sizeof(f));
	return 0;
}
