# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# lib_libebpfnet_internal_la_SOURCES += lib/core/NAME.c lib/core/NAME.h
lib_libebpfnet_internal_la_SOURCES += \
	lib/core/address.c \
	lib/core/btf.c \
	lib/core/ctx.c \
	lib/core/diag.c \
	lib/core/features.c lib/core/features.h \
	lib/core/index.c lib/core/index.h \
	lib/core/internal.h \
	lib/core/log.c \
	lib/core/order.c lib/core/order.h \
	lib/core/store.c lib/core/store.h \
	lib/core/util.c \
	lib/core/version.c
