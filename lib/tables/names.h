/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Names in the node tables (EBN_P_NAMES): user space only. The piece is an array of cells, in no
 * order; each names an EBN_X_NAME extent, which says what it is a name of. A cell changes with one
 * 64-bit store [in place]; its sequence number is never used twice while the tables live, so that a
 * reader that copied a name sees whether the space under it was given to another one meanwhile.
 */
#ifndef EBN_TABLES_NAMES_H
#define EBN_TABLES_NAMES_H

#include "ebn_node.h"

struct ebn_name_cell {
	__u32 off;		/* payload of the extent, 0: free */
	__u32 seq;
};
EBN_ASSERT(sizeof(struct ebn_name_cell) == 8, "a name's cell is one word");

/** Payload of an EBN_X_NAME extent: this, then len bytes of text and a NUL. */
struct ebn_name_head {
	__u32 kind;		/* enum ebn_name_kind */
	__u32 number;
	__u32 len;
	__u32 reserved;
};
EBN_ASSERT(sizeof(struct ebn_name_head) == 16, "head of a name");

#endif
