# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
lib_libebpfnet_internal_la_SOURCES += \
	lib/ipam/allocate.c \
	lib/ipam/internal.h \
	lib/ipam/ipam.c \
	lib/ipam/range.c \
	lib/ipam/record.c \
	lib/ipam/used.c
