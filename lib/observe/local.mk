# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# lib_libebpfnet_internal_la_SOURCES += lib/observe/NAME.c lib/observe/NAME.h
lib_libebpfnet_internal_la_SOURCES += \
	lib/observe/decode.c \
	lib/observe/emit.c lib/observe/emit.h \
	lib/observe/events.c \
	lib/observe/filter.c \
	lib/observe/internal.h \
	lib/observe/json.c \
	lib/observe/names.c lib/observe/names.h \
	lib/observe/open.c \
	lib/observe/protocol.c \
	lib/observe/ring.c lib/observe/ring.h \
	lib/observe/reason.c \
	lib/observe/text.c
