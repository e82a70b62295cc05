# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
ebpfnetinclude_HEADERS += \
	include/ebpfnet/address.h \
	include/ebpfnet/cleanup.h \
	include/ebpfnet/common.h \
	include/ebpfnet/conntrack.h \
	include/ebpfnet/ctx.h \
	include/ebpfnet/datapath.h \
	include/ebpfnet/device.h \
	include/ebpfnet/diag.h \
	include/ebpfnet/ebpfnet.h \
	include/ebpfnet/egress.h \
	include/ebpfnet/endpoint.h \
	include/ebpfnet/event.h \
	include/ebpfnet/features.h \
	include/ebpfnet/flow.h \
	include/ebpfnet/health.h \
	include/ebpfnet/identity.h \
	include/ebpfnet/ipam.h \
	include/ebpfnet/kvstore.h \
	include/ebpfnet/labels.h \
	include/ebpfnet/host.h \
	include/ebpfnet/nat.h \
	include/ebpfnet/node.h \
	include/ebpfnet/policy.h \
	include/ebpfnet/service.h \
	include/ebpfnet/types.h \
	include/ebpfnet/version.h \
	include/ebpfnet/xdp.h

# what programs compile in, as of the last release or, before the first, of the last change that was meant
EXTRA_DIST += tools/abi-dump lib/libebpfnet.abi lib/libebpfnet.abi.constants
abi-dump: lib/libebpfnet.la
	CC='$(CC)' $(PYTHON) $(srcdir)/tools/abi-dump lib/.libs/libebpfnet.so $(srcdir)/lib/libebpfnet.abi \
		$(addprefix $(srcdir)/,$(ebpfnetinclude_HEADERS))
.PHONY: abi-dump
