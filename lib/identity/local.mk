# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# lib_libebpfnet_internal_la_SOURCES += lib/identity/NAME.c lib/identity/NAME.h
lib_libebpfnet_internal_la_SOURCES += \
	lib/identity/allocator.c lib/identity/allocator.h \
	lib/identity/internal.h \
	lib/identity/labels.c \
	lib/identity/selector.c \
	lib/identity/text.c lib/identity/text.h
