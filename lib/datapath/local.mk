# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# lib_libebpfnet_internal_la_SOURCES += lib/datapath/NAME.c lib/datapath/NAME.h
lib_libebpfnet_internal_la_SOURCES += lib/datapath/internal.h
