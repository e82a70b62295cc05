# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
lib_libebpfnet_internal_la_SOURCES += \
	lib/tables/arena.c \
	lib/tables/arena.h \
	lib/tables/flow.c \
	lib/tables/flow.h \
	lib/tables/flow_internal.h \
	lib/tables/grace.c \
	lib/tables/names.h \
	lib/tables/node.c \
	lib/tables/node.h \
	lib/tables/numbers.c \
	lib/tables/numbers.h \
	lib/tables/rows.c \
	lib/tables/rows.h \
	lib/tables/rows_addr.c \
	lib/tables/rows_prefix.c \
	lib/tables/rows_prefix.h \
	lib/tables/rows_prefix_adopt.c \
	lib/tables/rows_prefix_read.c \
	lib/tables/rows_internal.h \
	lib/tables/rows_names.c \
	lib/tables/rows_read.c
EXTRA_DIST += docs/node-tables.md \
	docs/adr/0001-node-tables-one-array.md \
	docs/adr/0002-allocator-in-private-memory.md \
	docs/adr/0003-address-buckets.md \
	docs/adr/0006-prefixes-in-a-trie.md
