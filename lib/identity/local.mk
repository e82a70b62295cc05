# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# lib_libebpfnet_internal_la_SOURCES += lib/identity/NAME.c lib/identity/NAME.h
lib_libebpfnet_internal_la_SOURCES += \
	lib/identity/allocator.c lib/identity/allocator.h \
	lib/identity/ident_state.c \
	lib/identity/identities.c lib/identity/identities.h \
	lib/identity/internal.h \
	lib/identity/kvstore.c lib/identity/kvstore.h \
	lib/identity/kvstore_file.c \
	lib/identity/label_filter.c \
	lib/identity/labels.c \
	lib/identity/selector.c \
	lib/identity/text.c lib/identity/text.h
EXTRA_DIST += docs/adr/0007-identities-over-a-store.md
