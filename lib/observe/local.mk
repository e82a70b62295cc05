# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# lib_libebpfnet_internal_la_SOURCES += lib/observe/NAME.c lib/observe/NAME.h
