# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# lib_libebpfnet_internal_la_SOURCES += lib/conntrack/NAME.c lib/conntrack/NAME.h
lib_libebpfnet_internal_la_SOURCES += \
	lib/conntrack/conntrack.c lib/conntrack/conntrack.h \
	lib/conntrack/tables.c lib/conntrack/tables.h
