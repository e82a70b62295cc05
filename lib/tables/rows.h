/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The typed pieces of the node tables that are changed in place: ifindex buckets, endpoint rows, addresses, identity
 * pages, names. Built on node.h; every function keeps its invariants, so a packet sees the old entry or the new one.
 */
#ifndef EBN_TABLES_ROWS_H
#define EBN_TABLES_ROWS_H

#include "tables/node.h"

struct ebn_rows;

/*
 * Makes the pieces in a fresh arena, or takes over those of an adopted one (call between ebn_node_open() and
 * ebn_node_adopted(); marks everything it owns). endpoints: rows when made new.
 */
int ebn_rows_open(struct ebn_node *nt, uint32_t endpoints, struct ebpfnet_diag *diag, struct ebn_rows **ret);
void ebn_rows_free(struct ebn_rows *rows);

/* ---- endpoints ---- */
/* A free row, not live and not reachable by ifindex yet; *ret_row its index. -ENOSPC. */
int ebn_ep_row_get(struct ebn_rows *rows, uint32_t *ret_row);
/* The row itself, NULL out of range. Fill it before ebn_ep_row_publish(). */
struct ebn_ep_row *ebn_ep_row(struct ebn_rows *rows, uint32_t row);
uint32_t ebn_ep_rows(struct ebn_rows *rows);
/* Makes the row live and reachable by its ifindex. -ENOSPC, -EEXIST (ifindex in use). */
int ebn_ep_row_publish(struct ebn_rows *rows, uint32_t row);
/* Unreachable at once; the row is given out again after a grace period. */
int ebn_ep_row_put(struct ebn_rows *rows, uint32_t row);
/* Row of an ifindex, or -ENOENT. */
int ebn_ep_row_by_ifindex(struct ebn_rows *rows, uint32_t ifindex, uint32_t *ret_row);

/* ---- addresses ---- */
/* addr: 16 bytes, IPv4 mapped. identity != 0. row: endpoint row + 1, or 0. Grows the piece when it fills. Raises the
 * address's epoch when the identity or row changed. -ENOSPC: nothing changed. */
int ebn_addr_set(struct ebn_rows *rows, const uint32_t addr[4], uint32_t identity, uint32_t row);
/* Another identity for an address that is there, of which nobody's flows need to know: no epoch is raised. -ENOENT. */
int ebn_addr_restate(struct ebn_rows *rows, const uint32_t addr[4], uint32_t identity);
int ebn_addr_del(struct ebn_rows *rows, const uint32_t addr[4]);
/* 0 and the entry, or -ENOENT. */
int ebn_addr_get(struct ebn_rows *rows, const uint32_t addr[4], uint32_t *ret_identity, uint32_t *ret_row);
uint32_t ebn_addr_count(struct ebn_rows *rows);
/* Every address; fn < 0 aborts. */
int ebn_addr_foreach(struct ebn_rows *rows,
		     int (*fn)(const uint32_t addr[4], uint32_t identity, uint32_t row, void *arg),
		     void *arg);

/* ---- prefixes: the longest one stands for addresses that are not known themselves ---- */
struct ebn_prefix_value {
	uint32_t identity;	/* not 0 */
	uint32_t peer;		/* caller's number of the node behind it, 0: none */
	uint16_t owner;		/* caller's; programs do not read it */
	uint16_t reserved;	/* 0 */
};
/*
 * addr: 16 bytes, IPv4 mapped; len of that form (IPv4: 96..128), bits beyond it are ignored. Any length, host ones too.
 * Programs see each address either as before or after, all of it when this returns. Grows the pieces as they fill; a
 * prefix costs the nodes on its path, never more. Raises no epoch: call ebn_prefix_raise() after a batch, before flows
 * must obey. -EINVAL, -ENOSPC (counted in the header), -ENOMEM: nothing changed.
 */
int ebn_prefix_set(struct ebn_rows *rows, const uint32_t addr[4], uint32_t len, const struct ebn_prefix_value *value);
/* -EINVAL, -ENOENT, -ENOMEM: nothing changed. Needs ebn_prefix_raise() as well. */
int ebn_prefix_del(struct ebn_rows *rows, const uint32_t addr[4], uint32_t len);
/* Raises the epochs of all addresses when a prefix changed since the last call: every flow is checked once more. */
void ebn_prefix_raise(struct ebn_rows *rows);
/* This very prefix: 0, -EINVAL or -ENOENT. */
int ebn_prefix_get(struct ebn_rows *rows, const uint32_t addr[4], uint32_t len, struct ebn_prefix_value *ret);
/* The longest prefix that covers an address, as programs find it: 0, -EINVAL or -ENOENT. Outputs may be NULL. */
int ebn_prefix_lookup(struct ebn_rows *rows, const uint32_t addr[4], uint32_t *ret_len, struct ebn_prefix_value *ret);
uint32_t ebn_prefix_count(struct ebn_rows *rows);
/* Every prefix, in no order; fn < 0 aborts. fn may change values, but neither add nor delete. */
typedef int (*ebn_prefix_fn)(const uint32_t addr[4], uint32_t len, const struct ebn_prefix_value *value, void *arg);
int ebn_prefix_foreach(struct ebn_rows *rows, ebn_prefix_fn fn, void *arg);

/* ---- identity -> peer class: one store when the page is there ---- */
int ebn_class_set(struct ebn_rows *rows, uint32_t identity, uint32_t peer_class);
uint32_t ebn_class_get(struct ebn_rows *rows, uint32_t identity);
/* The number to tell of an identity that policy asks about, out of any mapping: another one in the split scope only. */
uint32_t ebn_rows_read_told(const void *mem, uint64_t size, const struct ebn_dir *dir, uint32_t identity);

/*
 * ---- names: what a restarted writer and the readers need to know of the numbers ----
 * kind and number -> text, kept in the arena (EBN_P_NAMES) so that the tables describe themselves.
 */
enum ebn_name_kind {
	EBN_NAME_IDENTITY = 1,	/* canonical labels */
	EBN_NAME_RULE,		/* "policy#rule" */
	EBN_NAME_SUBJECT,	/* canonical labels of the subject */
	EBN_NAME_ENDPOINT,	/* by row: "name\tcanonical labels" */
	EBN_NAME_PROGRAM,	/* number 0: version and hash of the loaded set */
	EBN_NAME_RULE_LOG,	/* text that a rule wants in what is logged of it */
};
#define EBN_NAME_LEN_MAX 32768u
/* Copies text. text NULL removes. -ENOSPC, -E2BIG: nothing changed. */
int ebn_name_set(struct ebn_rows *rows, enum ebn_name_kind kind, uint32_t number, const char *text);
/* Borrowed until the next change of that name; NULL: none. */
const char *ebn_name_get(struct ebn_rows *rows, enum ebn_name_kind kind, uint32_t number);
int ebn_name_foreach(struct ebn_rows *rows, enum ebn_name_kind kind,
		     int (*fn)(uint32_t number, const char *text, void *arg), void *arg);

/*
 * Readers (other processes, read-only mapping): copies of rows and names out of mem, consistent under one root; -EAGAIN when
 * the tables kept changing, -EPROTO when they are not sane.
 */
int ebn_rows_read_names(const void *mem, uint64_t size, enum ebn_name_kind kind,
			int (*fn)(uint32_t number, const char *text, void *arg), void *arg);
/* As programs look: the longest prefix in the tables under dir. 0, -ENOENT, -EAGAIN (the writer is changing it). */
int ebn_rows_read_prefix(const void *mem, uint64_t size, const struct ebn_dir *dir, const uint32_t addr[4],
			 struct ebn_prefix *ret);
/* Every address; one that is moving may be told twice. -EAGAIN. */
int ebn_rows_read_addresses(const void *mem, uint64_t size,
			    int (*fn)(const uint32_t addr[4], uint32_t identity, uint32_t row, void *arg), void *arg);
/* One address: 0, -ENOENT, -EAGAIN. Outputs may be NULL. */
int ebn_rows_read_address(const void *mem, uint64_t size, const struct ebn_dir *dir, const uint32_t addr[4],
			  uint32_t *ret_identity, uint32_t *ret_row);
int ebn_rows_read_prefixes(const void *mem, uint64_t size, ebn_prefix_fn fn, void *arg);
int ebn_rows_read_endpoints(const void *mem, uint64_t size,
			    int (*fn)(uint32_t row, const struct ebn_ep_row *r, void *arg),
			    void *arg);

#endif
