/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The inside of struct ebn_policy. Which file does what:
 *   columns.c   which selectors match which label sets
 *   classes.c   label sets that all selectors treat alike: peer classes, and their numbers
 *   ports.c     ports that all rules treat alike: port classes
 *   compile.c   rules and classes -> rows, columns and matrix of one table (pure)
 *   store.c     chunks of table memory, shared by content; decisions; numbers
 *   plan.c      a change worked out beside what is in force: the commit's first half
 *   install.c   staging a plan into the node tables, publishing it, or taking it back
 *   members.c   identities and subjects that come and go
 *   outside.c   prefixes, groups and names of the world: marks.c which labels they get, learn.c names between commits
 *   inside.c    addresses of endpoints within prefixes; local.c the identities that these two make
 *   adopt.c     taking over an arena; lookup.c  reading it; policy.c  the rest
 *
 * A change works on a plan. Until ebn_plan_publish() has succeeded nothing in force is changed but by taking numbers and
 * unreachable table memory, which ebn_plan_drop() gives back.
 */
#ifndef EBN_POLICY_ENGINE_H
#define EBN_POLICY_ENGINE_H

#include "identity/allocator.h"
#include "policy/columns.h"
#include "policy/inside.h"
#include "policy/model.h"
#include "policy/outside.h"
#include "policy/policy.h"
#include "tables/numbers.h"

#define EBN_SLOT_NONE UINT32_MAX
#define EBN_DECISIONS_MAX 65536u
#define EBN_PORT_CLASSES_MAX 65535u
#define EBN_ROWS_MAX 65535u

/* ---- store.c ---- */

/* An extent of table memory, shared by all that need the same bytes. */
struct ebn_chunk {
	uint32_t refs;
	uint32_t off;
	uint32_t len;			/* payload bytes as stored, a multiple of the line */
	uint32_t type;
	uint32_t place;			/* in the store's list */
	uint64_t hash;
	bool indexed;			/* found by content; not once a cell of it has changed */
	bool live;			/* was published */
	uint32_t patch_plan;		/* the plan whose patch it carries */
	const uint16_t *patch;		/* values of the plan's fresh classes */
};

struct ebn_store {
	struct ebn_node *nt;
	struct ebn_chunk **chunk;	/* by number in the index */
	size_t n, cap;
	struct ebn_index by_content;
	uint64_t short_by;		/* bytes asked for in vain since it was last set to 0 */
};
void ebn_store_done(struct ebn_store *st);
/* A chunk with these bytes, zeroes behind them up to len; with a reference. -ENOSPC (counted in short_by), -ENOMEM. */
int ebn_chunk_get(struct ebn_store *st, uint32_t type, const void *bytes, uint32_t used, uint32_t len,
		  struct ebn_chunk **ret);
/* The chunk of an adopted extent; the caller has marked it. */
int ebn_chunk_adopt(struct ebn_store *st, uint32_t type, uint32_t off, uint32_t len, struct ebn_chunk **ret);
void ebn_chunk_put(struct ebn_store *st, struct ebn_chunk *c);
/* No more found by content: a cell is going to change. */
void ebn_chunk_loosen(struct ebn_store *st, struct ebn_chunk *c);

/* ---- what is in force ---- */

/* A rule, or as much of it as ports by name make of it. */
struct ebn_entry {
	const struct ebn_rule *rule;
	uint32_t number;		/* what decisions name */
	uint32_t first, n;		/* its columns */
	bool everybody;
	bool own;			/* its ports are this range, not the rule's */
	struct ebn_range range;
	struct ebn_column *cond;	/* only for subjects in this column; NULL: for all */
};

/* A policy in force. */
struct ebn_inst {
	uint32_t refs;
	uint64_t version;		/* equal: same rules, same numbers */
	uint64_t hash;			/* of the name */
	uint64_t sum;			/* of what groups and ports' names came to */
	struct ebn_rulebook *book;
	struct ebn_column *subject;
	uint32_t *number;		/* by rule */
	struct ebn_entry *entry;
	uint32_t n_entries;
	struct ebn_column **col;
	size_t n_col;
	bool speaks[EBN_DIRECTIONS];	/* has rules or a default there */
};

static inline const struct ebn_range *ebn_entry_ranges(const struct ebn_entry *e, uint32_t *n)
{
	*n = e->own ? 1 : e->rule->n_ranges;
	return e->own ? &e->range : e->rule->ranges;
}

static inline bool ebn_entry_has_cell(const struct ebn_entry *e, uint32_t cell)
{
	return e->own ? cell == e->range.first : ebn_rule_has_cell(e->rule, cell);
}

/* A port's name, and the numbers it has among all identities (egress) or subjects (ingress). */
struct ebn_port_name {
	char *key;
	uint8_t dir;
	uint16_t *value;
	uint32_t n;
};
struct ebn_port_names {
	struct ebn_port_name *name;
	size_t n, cap;
};
void ebn_port_names_done(struct ebn_port_names *names);
/* Do the labels give a number to a name of a rule in force that it had with nobody so far? */
bool ebn_port_names_miss(const struct ebn_policy *p, const struct ebpfnet_labels *labels, uint8_t dir);

struct ebn_image;

/* Where a table is stored. */
struct ebn_stored {
	struct ebn_chunk *rowmap, *colmap, *matrix;
	uint32_t nrows, ncols;
};

struct ebn_table {
	uint32_t refs;
	uint32_t slot;			/* in the policy's list, EBN_SLOT_NONE: in none yet */
	uint64_t hash;			/* of direction and versions */
	uint8_t dir;
	bool known;			/* inst says what it was made from; adopted ones do not know */
	uint32_t n_inst;
	struct ebn_inst **inst;		/* in order of the set */
	const struct ebn_entry **cond;	/* entries of inst that hang on the subject, and hold for its subjects */
	uint32_t n_cond;
	struct ebn_stored now;		/* rowmap NULL: nowhere yet */
	uint32_t *dec;			/* decisions it uses, each with a reference */
	uint32_t n_dec;
	size_t dec_cap;
	/* while a plan is worked out */
	struct ebn_stored next;		/* staged; takes the place of now */
	struct ebn_image *image;	/* compiled, to be stored; without a rowmap: only a longer matrix */
	uint16_t *row_values, *col_values; /* for the plan's fresh classes */
};

struct ebn_subject {
	struct ebpfnet_labels *labels;
	uint32_t refs;
	struct ebn_table *table[EBN_DIRECTIONS];
};

struct ebn_class {
	uint64_t sig[2];
	uint32_t n;			/* identities */
	uint32_t head;			/* slot of the first; it is the one that stands for the class */
};

/* Identities by slot, and their partition. */
struct ebn_classes {
	uint64_t (*sig)[2];
	uint32_t *class_of;
	uint32_t *next, *prev;		/* of the same class */
	uint64_t *reps;			/* bits: slots that stand for a class */
	size_t slots;			/* a multiple of 64 */
	struct ebn_class *cls;		/* by number; n 0: not in use. 0 has no members here */
	size_t cls_cap;
	uint32_t n;			/* in use */
	struct ebn_index by_sig;
};

/* Cells from first up to the next interval's first are of one port class. */
struct ebn_interval {
	uint32_t first;
	uint32_t cls;
};

struct ebn_decision_use {
	struct ebn_decision d;
	uint32_t refs;
	bool live;			/* was published */
};

struct ebn_pair {
	uint32_t was, now;
};

struct ebn_policy {
	struct ebpfnet_ctx *ctx;
	struct ebn_node *nt;
	struct ebn_rows *rows;
	bool committed;			/* the rules in force are known; not so between adoption and commit */
	uint32_t plans;
	uint64_t versions;
	uint64_t seed[2];
	/* identities */
	struct ebn_identities *ids;
	struct ebn_columns peers;
	struct ebn_classes classes;
	struct ebn_numbers class_ids;
	uint32_t *slot_number;		/* identity by slot; as many as classes.slots */
	uint32_t *spare_slot;
	size_t n_spare_slots, n_slots;
	struct ebn_port_names port_names;
	struct ebn_group **groups;	/* of the set in force */
	size_t n_groups;
	/* the world's parts */
	struct ebn_outside outside;
	struct ebn_inside inside;
	bool misfits;			/* identities are not in the class of their labels until the next publish */
	/* subjects: the slot in the population is the index */
	struct ebn_columns selectors;
	struct ebn_subject *subject;	/* EBN_EPOCH_SUBJECTS of them */
	struct ebn_numbers subject_ids;
	struct ebn_index subject_by_labels;
	/* rules */
	struct ebn_inst **inst;
	size_t n_inst;
	struct ebn_index inst_by_name;
	uint32_t n_rules;
	uint32_t last_rule;		/* highest number given out */
	char **orphan;			/* adopted rule names by their place in orphan_by_name; NULL once claimed */
	uint32_t *orphan_number;
	size_t n_orphans;
	struct ebn_index orphan_by_name;
	/* ports */
	struct ebn_interval *iv;
	size_t n_iv;
	uint64_t ports_sig[2];
	uint32_t n_port_classes;
	struct ebn_numbers port_ids;
	/* tables */
	struct ebn_store store;
	struct ebn_table **table;
	size_t n_tables, tables_cap;
	struct ebn_index table_by_key;
	struct ebn_decision_use *dec;	/* EBN_DECISIONS_MAX of them */
	struct ebn_numbers dec_ids;
	struct ebn_index dec_by_value;
};

/* ---- classes.c ---- */
void ebn_classes_done(struct ebn_classes *cl);
int ebn_classes_reserve(struct ebn_classes *cl, size_t slots);
int ebn_classes_reserve_ids(struct ebn_classes *cl, size_t n);
/* Number of the class with this signature; false: there is none. The zero signature is EBN_CLASS_UNKNOWN. */
bool ebn_classes_find(const struct ebn_classes *cl, const uint64_t sig[2], uint32_t *ret);
/* Makes a class; room was reserved. -ENOMEM. */
int ebn_classes_make(struct ebn_classes *cl, uint32_t cls, const uint64_t sig[2]);
void ebn_classes_join(struct ebn_classes *cl, uint32_t slot, uint32_t cls, const uint64_t sig[2]);
/* True: that was the class's last. */
bool ebn_classes_leave(struct ebn_classes *cl, uint32_t slot);

/* Is each identity in the class of its labels, in private memory and in the tables? 0 or -EPROTO. For tests. */
int ebn_classes_verify(const struct ebn_policy *p);

/* ---- ports.c ---- */
/* Key of a set of ranges: random to others, the same for the same ranges. */
void ebn_ports_key(const uint64_t seed[2], const struct ebn_range *ranges, uint32_t n, uint64_t ret[2]);
/* Interval that a cell lies in. */
size_t ebn_interval_at(const struct ebn_interval *iv, size_t n, uint32_t cell);

/* ---- compile.c ---- */
/* What the compiler looks at: classes and port classes, in force or planned. */
struct ebn_world {
	const struct ebn_classes *classes;
	uint32_t classes_end;		/* all class numbers are below */
	const struct ebn_interval *iv;
	size_t n_iv;
	uint32_t ports_end;
};
struct ebn_image {
	uint32_t nrows, ncols;
	uint32_t n_peer, n_port;
	uint16_t *rowmap, *colmap, *matrix;
	uint32_t *dec;			/* decisions used, each with a reference */
	uint32_t n_dec, dec_cap;
};
void ebn_image_free(struct ebn_policy *p, struct ebn_image *img);
/* -E2BIG: more rows, columns or decisions than cells can say. */
int ebn_compile(struct ebn_policy *p, const struct ebn_world *w, const struct ebn_table *t, struct ebn_image **ret);
/*
 * Cells of one row for a peer whose columns carry the visit; cells has t->now.ncols places. Takes references through img.
 * 1: the table has too few columns for it.
 */
int ebn_compile_row(struct ebn_policy *p, const struct ebn_world *w, const struct ebn_table *t, uint64_t visit,
		    struct ebn_image *img, uint16_t *cells);

/* Decisions: the index of one, with a reference noted in img. -E2BIG, -ENOMEM. */
int ebn_decision_use(struct ebn_policy *p, struct ebn_image *img, const struct ebn_decision *d, uint16_t *ret);
void ebn_decisions_drop(struct ebn_policy *p, uint32_t *dec, uint32_t n);

/* ---- plan.c ---- */
struct ebn_plan {
	struct ebn_policy *p;
	struct ebpfnet_diag *diag;
	uint32_t number;
	/* policies */
	struct ebn_inst **inst;
	size_t n_inst;
	struct ebn_index inst_by_name;
	uint32_t n_rules, last_rule;
	bool new_rules;			/* inst and so on replace what is in force */
	struct ebn_port_names port_names;
	struct ebn_group **groups;
	size_t n_groups;
	/* peer classes */
	struct ebn_classes classes;
	bool new_classes;		/* classes replace those in force */
	bool new_rows;			/* there are classes that tables in force have no row for */
	struct ebn_pair *fresh;		/* .now: a number taken, .was: the class its rows are copied from */
	size_t n_fresh, fresh_cap;
	struct ebn_pair *moved;		/* distinct ways an identity goes, {0, 0} first */
	size_t n_moved, moved_cap;
	/* port classes */
	struct ebn_interval *iv;
	size_t n_iv;
	bool new_ports;
	uint64_t ports_sig[2];
	uint32_t n_port_classes;
	struct ebn_pair *port_fresh;
	size_t n_port_fresh, port_fresh_cap;
	struct ebn_pair *port_moved;
	size_t n_port_moved, port_moved_cap;
	uint32_t *port_gone;		/* numbers that no port has any more */
	size_t n_port_gone, port_gone_cap;
	/* tables */
	struct ebn_table **table;	/* distinct ones of all subjects */
	size_t n_tables, tables_cap;
	struct ebn_index table_by_key;
	struct ebn_table *(*want)[EBN_DIRECTIONS];	/* by subject, up to subjects_end; borrowed from table */
	uint32_t subjects_end;
	uint8_t *raise;			/* by subject: verdicts may have changed */
	uint32_t new_subject;		/* its row is not in use yet; EBN_SUBJECT_NONE: there is none */
	struct ebn_table *new_table[EBN_DIRECTIONS];	/* its tables */
	bool dry;			/* nothing is going to be published */
	/* staged */
	struct ebn_slot slot[EBN_P_MAX];	/* new pieces, off 0: none */
	uint32_t *page;			/* by cell of the directory: new pages; NULL: none. As many again: those they replace */
	struct ebn_subject_row new_row;	/* of new_subject, when it goes into a row that is there */
	uint32_t names_from, names_to;	/* rule numbers whose names were set */
	bool published;
};
void ebn_plan_begin(struct ebn_policy *p, struct ebpfnet_diag *diag, struct ebn_plan *pl);
/* Works out what a set asks for. */
int ebn_plan_set(struct ebn_plan *pl, const struct ebpfnet_policy_set *set);
void ebn_plan_world(const struct ebn_plan *pl, struct ebn_world *w);
/*
 * The table that these policies make for a subject and a direction: in force, planned already, or compiled now. Borrowed
 * from the plan.
 */
int ebn_plan_table(struct ebn_plan *pl, struct ebn_inst *const *inst, uint32_t n, uint32_t subject, uint8_t dir,
		   struct ebn_table **ret);
/* Works out and publishes the set in force once more: a port's name has a number that it had with nobody. */
int ebn_plan_again(struct ebn_policy *p);
/* Adds a table in force to the plan, once. */
int ebn_plan_add_table(struct ebn_plan *pl, struct ebn_table *t);
/* Gives back all that was taken, unless it was published; and what the plan itself took. */
void ebn_plan_drop(struct ebn_plan *pl);

void ebn_inst_unref(struct ebn_policy *p, struct ebn_inst *in);
/* Memory only, whatever refers to it. */
void ebn_inst_free(struct ebn_inst *in);
void ebn_table_unref(struct ebn_policy *p, struct ebn_table *t);

/* ---- install.c ---- */
int ebn_plan_stage(struct ebn_plan *pl);
int ebn_plan_publish(struct ebn_plan *pl);
/* Nobody names the rule by this number any more. */
void ebn_rule_forget(struct ebn_policy *p, uint32_t number);

/* ---- local.c ---- */
struct ebn_local_want {
	const struct ebpfnet_labels *labels;
	struct ebn_identity *base;	/* of the split scope */
	const struct ebn_identity *like;	/* see there */
};
/*
 * An identity of these labels, with a reference: the one there is, or a new one. like: in the class of this other identity,
 * so that the policy in force takes one for the other; the next commit sends it to the class of its labels. When the one
 * there is is in another class, a second one of the same labels is made, for the time until then.
 * silent: no packet is going to see it. -ENOSPC, -ENOMEM.
 */
int ebn_local_take(struct ebn_policy *p, enum ebn_scope scope, const struct ebn_local_want *want, bool silent,
		   struct ebn_identity **ret);
/* NULL is allowed. silent: it was taken so. */
void ebn_local_put(struct ebn_policy *p, struct ebn_identity *id, bool silent);
/* Packets under way may hold the number: the class it is in stays until they are through. NULL is allowed. */
void ebn_local_put_later(struct ebn_policy *p, struct ebn_identity *id);

/* ---- members.c ---- */
/* An identity that is in the allocator gets its class, its name and its cell. -ENOSPC, -ENOMEM: nothing changed. */
int ebn_identity_enter(struct ebn_policy *p, struct ebn_identity *id);
/* The same; like: an identity whose class it gets, NULL: that of its labels. silent: no cell, no name. */
int ebn_identity_enter_as(struct ebn_policy *p, struct ebn_identity *id, const struct ebn_identity *like, bool silent);
/* Drops a reference; with the last one it leaves. NULL is allowed. */
void ebn_identity_drop(struct ebn_policy *p, struct ebn_identity *id);
/* The reverse, and out of the allocator. */
void ebn_identity_leave(struct ebn_policy *p, struct ebn_identity *id);
/* silent: it came silently. */
void ebn_identity_leave_as(struct ebn_policy *p, struct ebn_identity *id, bool silent);
static inline uint32_t ebn_class_of(const struct ebn_policy *p, const struct ebn_identity *id)
{
	return p->classes.class_of[id->tag];
}
/* By number, of every scope; NULL: not in use. */
struct ebn_identity *ebn_identity_find(const struct ebn_policy *p, uint32_t number);
struct ebn_identity *ebn_identity_next(const struct ebn_policy *p, uint32_t number);
void ebn_subject_leave(struct ebn_policy *p, uint32_t s);
/* A slot with room in all that goes by slot. -ENOMEM. */
int ebn_slot_take(struct ebn_policy *p, uint32_t *ret);

/* ---- policy.c ---- */
int ebn_policy_init(struct ebpfnet_ctx *ctx, struct ebn_node *nt, struct ebn_rows *rows, struct ebn_policy **ret);

#endif
