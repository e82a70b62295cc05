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
int ebn_addr_del(struct ebn_rows *rows, const uint32_t addr[4]);
/* 0 and the entry, or -ENOENT. */
int ebn_addr_get(struct ebn_rows *rows, const uint32_t addr[4], uint32_t *ret_identity, uint32_t *ret_row);
uint32_t ebn_addr_count(struct ebn_rows *rows);
/* Every address; fn < 0 aborts. */
int ebn_addr_foreach(struct ebn_rows *rows,
		     int (*fn)(const uint32_t addr[4], uint32_t identity, uint32_t row, void *arg),
		     void *arg);

/* ---- identity -> peer class: one store when the page is there ---- */
int ebn_class_set(struct ebn_rows *rows, uint32_t identity, uint32_t peer_class);
uint32_t ebn_class_get(struct ebn_rows *rows, uint32_t identity);

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
int ebn_rows_read_endpoints(const void *mem, uint64_t size,
			    int (*fn)(uint32_t row, const struct ebn_ep_row *r, void *arg),
			    void *arg);

#endif
