# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
ebpfnetinclude_HEADERS += \
	include/ebpfnet/common.h \
	include/ebpfnet/version.h
