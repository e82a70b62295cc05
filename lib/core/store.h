/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What must outlive the process and the machine's restarts: an ordered table of small records in a folder of its own
 * (LMDB). A change is on the disk, whole or not at all, when ebn_store_commit() has returned; a process killed at any
 * moment leaves the last commit. One process at a time has it open.
 *
 * A record that is read came out of a file: whoever reads it checks it. The file as a whole is checked for its header,
 * its version and its length; the folder is the owner's alone, so that nobody else writes into it.
 */
#ifndef EBN_CORE_STORE_H
#define EBN_CORE_STORE_H

#include "core/internal.h"

/* Bytes of a key. */
#define EBN_STORE_KEY_MAX 511

struct ebn_store;

/*
 * Opens the store in a folder, which is made (0700) if it is not there; max_bytes is the most it may grow to.
 * -EBUSY another process has it, -EPERM the folder is not this user's alone, -EPROTO it is damaged or of another kind,
 * -ENOTDIR, -EACCES, errors of mkdir(2) and open(2), -ENOMEM. The diag says what.
 */
int ebn_store_open(const char *dir, uint64_t max_bytes, struct ebpfnet_diag *diag, struct ebn_store **ret);
void ebn_store_close(struct ebn_store *s);

/* A change: put and del as often as wanted, then commit or abort. Only one at a time. */
int ebn_store_begin(struct ebn_store *s);
/* -ENOSPC the store is full. Replaces what is there. After an error only abort is allowed. */
int ebn_store_put(struct ebn_store *s, const void *key, size_t key_len, const void *value, size_t value_len);
/* Removing what is not there is success. */
int ebn_store_del(struct ebn_store *s, const void *key, size_t key_len);
/* 0: it is on the disk. An error: nothing of it is. */
int ebn_store_commit(struct ebn_store *s);
void ebn_store_abort(struct ebn_store *s);

/* Every record in the order of keys, outside of a change; fn < 0 ends the walk and is returned. */
typedef int (*ebn_store_fn)(const void *key, size_t key_len, const void *value, size_t value_len, void *arg);
int ebn_store_foreach(struct ebn_store *s, ebn_store_fn fn, void *arg);

#endif
