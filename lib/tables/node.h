/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Node tables in user space: the arena's allocator, publishing, retiring and adoption. Works on any mapping (a BPF map's,
 * or plain memory in tests); knows nothing of bpf(2).
 *
 * Locking matrix
 *   writer    one per pin directory, by flock; all functions without "const" or "read" in their contract
 *   readers   any number of processes, read-only mappings; check {root} again after copying (ebn_node_read_root())
 *   programs  read the root once per run, inside an RCU read side
 * Invariants
 *   I1  the root word changes by one release store and only to a complete directory
 *   I2  bytes reachable from the root change only where ebn_node.h says [in place], one aligned word at a time
 *   I3  bytes that were reachable are handed out again only after ebn_node_grace_done()
 *   I4  allocator state lives in the writer's private memory; adoption rebuilds it from what the root reaches
 */
#ifndef EBN_TABLES_NODE_H
#define EBN_TABLES_NODE_H

#include "core/internal.h"
#include "ebn_node.h"

struct ebn_node;

/* Writes an empty arena with a first, empty directory into mem (zeroed by the caller); magic last. -EINVAL bad size. */
int ebn_node_format(void *mem, uint64_t size, const uint64_t seed[2]);
/* Checks header, root and directory of an arena without trusting any of it. -EPROTO with diag: another version or corrupt. */
int ebn_node_check(const void *mem, uint64_t size, struct ebpfnet_diag *diag);

/*
 * Takes an arena over as its writer. mem stays the caller's and must outlive the object. Nothing is allocated yet but the
 * current directory: the layers above mark what they own with ebn_node_mark(), then call ebn_node_adopted().
 */
int ebn_node_open(void *mem, uint64_t size, struct ebpfnet_diag *diag, struct ebn_node **ret);
void ebn_node_free(struct ebn_node *nt);

/* Adoption: off is payload of an extent of this type with at least len bytes. -EPROTO: not so, or marked twice. */
int ebn_node_mark(struct ebn_node *nt, uint32_t off, uint32_t type, uint32_t len);
/*
 * Ends adoption: everything unmarked is free space, and all epochs are raised (the last writer may have died before it
 * raised them). Programs may still be reading what the last writer had retired, so the caller waits for a grace period
 * (ebn_grace_wait()) between taking the writer's lock and this. A second call does nothing.
 */
int ebn_node_adopted(struct ebn_node *nt);

/* Payload bytes, zeroed, line-aligned; *ret the payload's offset. -ENOSPC. Not reachable until published. */
int ebn_node_alloc(struct ebn_node *nt, uint32_t type, uint32_t len, uint32_t *ret);
/* Gives back what was never reachable, at once. off 0 is allowed. */
void ebn_node_release(struct ebn_node *nt, uint32_t off);
/* Gives back what was reachable: goes to the retired list, reused after a grace period. off 0 is allowed. */
int ebn_node_retire(struct ebn_node *nt, uint32_t off);
/* Calls fn(arg, cookie) after the next grace period (rows, identities, classes). */
int ebn_node_defer(struct ebn_node *nt, void (*fn)(void *arg, uint64_t cookie), void *arg, uint64_t cookie);
/* Room for n more, so that the next n calls before a cut cannot fail. -ENOMEM. */
int ebn_node_defer_room(struct ebn_node *nt, uint32_t n);

/* Pointer to len bytes at payload offset off, NULL when it is out of bounds. */
void *ebn_node_ptr(struct ebn_node *nt, uint32_t off, uint32_t len);
/* len of the extent whose payload is at off (rounded up), 0: no such. */
uint32_t ebn_node_len(struct ebn_node *nt, uint32_t off);

/* The directory that is published; and a transaction's own copy of it. */
const struct ebn_dir *ebn_node_dir(struct ebn_node *nt);
struct ebn_slot ebn_node_slot(struct ebn_node *nt, enum ebn_piece piece);

/*
 * A transaction: begin copies the directory; set changes slots of the copy; publish makes it reachable with one store and
 * retires the old directory; abort forgets it. Pieces built for an aborted transaction are the caller's to release.
 * Publishing when nothing was set is a new generation all the same.
 */
int ebn_node_begin(struct ebn_node *nt);
void ebn_node_set(struct ebn_node *nt, enum ebn_piece piece, uint32_t off, uint32_t n);
int ebn_node_publish(struct ebn_node *nt);
void ebn_node_abort(struct ebn_node *nt);

/*
 * Publishes one piece alone, at once. A transaction that is open sees the new piece too. The old one is the caller's to
 * retire. -ENOSPC, -ENOMEM: nothing changed.
 */
int ebn_node_swap(struct ebn_node *nt, enum ebn_piece piece, uint32_t off, uint32_t n);
/* Two at once, of which one refers to the other. */
int ebn_node_swap_two(struct ebn_node *nt, const enum ebn_piece piece[2], const struct ebn_slot slot[2]);

uint32_t ebn_node_generation(struct ebn_node *nt);
uint64_t ebn_node_used(struct ebn_node *nt);
uint64_t ebn_node_size(struct ebn_node *nt);
struct ebn_node_hdr *ebn_node_hdr(struct ebn_node *nt);
/* Checks the allocator's own books: 0 or -EPROTO. For tests; takes time in proportion to what is allocated. */
int ebn_node_verify(struct ebn_node *nt);

/* Epochs: raised after publishing, with release; a wrap is harmless. */
void ebn_node_raise_subject(struct ebn_node *nt, uint32_t subject);
void ebn_node_raise_addr(struct ebn_node *nt, uint64_t addr_hash);

/* Grace periods. */
struct ebn_grace;
/* How RCU is waited for: membarrier(2), or an update of a private array-of-maps slot (fd made lazily). Probed. */
int ebn_grace_new(struct ebpfnet_ctx *ctx, struct ebn_grace **ret);
void ebn_grace_free(struct ebn_grace *g);
int ebn_grace_wait(struct ebn_grace *g);
/* Retired and deferred things that wait. */
uint32_t ebn_node_retired(struct ebn_node *nt);
/* Two steps so that the wait can be elsewhere: cut takes all that is retired now as one batch (0: nothing), done frees it. */
uint32_t ebn_node_grace_cut(struct ebn_node *nt);
void ebn_node_grace_done(struct ebn_node *nt);

/* Readers: copies the root and directory of an arena mapped read-only; check after use that the root is still the same. */
int ebn_node_read_root(const void *mem, uint64_t size, uint64_t *ret_root, struct ebn_dir *ret_dir);
bool ebn_node_root_is(const void *mem, uint64_t root);

#endif
