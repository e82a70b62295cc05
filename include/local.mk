# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
ebpfnetinclude_HEADERS += \
	include/ebpfnet/cleanup.h \
	include/ebpfnet/common.h \
	include/ebpfnet/ctx.h \
	include/ebpfnet/diag.h \
	include/ebpfnet/features.h \
	include/ebpfnet/labels.h \
	include/ebpfnet/types.h \
	include/ebpfnet/version.h
