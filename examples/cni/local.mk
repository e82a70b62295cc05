# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# runtimes look for plugins in folders of their own, not in PATH
cni_PROGRAMS = examples/cni/ebpfnet-cni examples/cni/ebpfnet-ipam
EBN_CNI_COMMON = examples/cni/agent.c examples/cni/answer.c examples/cni/cni.h examples/cni/document.c examples/cni/env.c \
	examples/cni/result.c examples/cni/spool.c examples/common/agent_socket.c examples/common/agent_socket.h
examples_cni_ebpfnet_cni_SOURCES = $(EBN_CNI_COMMON) examples/cni/commands.c examples/cni/commands.h examples/cni/conf.c \
	examples/cni/delegate.c examples/cni/main.c examples/cni/standalone.c \
	examples/common/pool.c examples/common/pool.h
examples_cni_ebpfnet_cni_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
EBN_MAN_PAGES += man/ebpfnet-cni.8 man/ebpfnet-ipam.8
examples_cni_ebpfnet_cni_LDADD = $(EBN_EXAMPLE_LIBS) $(JANSSON_LIBS)
examples_cni_ebpfnet_ipam_SOURCES = $(EBN_CNI_COMMON) examples/cni/ipam.c
examples_cni_ebpfnet_ipam_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
examples_cni_ebpfnet_ipam_LDADD = $(EBN_EXAMPLE_LIBS) $(JANSSON_LIBS)
