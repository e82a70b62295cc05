# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# lib_libebpfnet_internal_la_SOURCES += lib/conntrack/NAME.c lib/conntrack/NAME.h
lib_libebpfnet_internal_la_SOURCES += \
	lib/conntrack/conntrack.c lib/conntrack/conntrack.h \
	lib/conntrack/count.c lib/conntrack/count.h \
	lib/conntrack/filter.c \
	lib/conntrack/image.c lib/conntrack/image.h \
	lib/conntrack/image_read.c \
	lib/conntrack/tables.c lib/conntrack/tables.h \
	lib/conntrack/watch.c lib/conntrack/watch.h
