# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
bin_PROGRAMS += examples/ctl/ebpfnetctl
examples_ctl_ebpfnetctl_SOURCES = examples/ctl/attach.c examples/ctl/client.c \
	examples/ctl/commands.c examples/ctl/ct.c examples/ctl/ct_args.c examples/ctl/ct_args.h \
	examples/ctl/ctl.h examples/ctl/direct.c examples/ctl/import.c examples/ctl/import.h examples/ctl/import_iptables.c examples/ctl/import_nft.c examples/ctl/ipam.c examples/ctl/main.c examples/ctl/node.c \
	examples/ctl/observe.c examples/ctl/print.c examples/ctl/service.c examples/ctl/tables.c \
	examples/common/agent_socket.c examples/common/agent_socket.h $(EBN_COMMON_SOURCES)
examples_ctl_ebpfnetctl_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
examples_ctl_ebpfnetctl_LDADD = $(EBN_EXAMPLE_LIBS) $(JANSSON_LIBS)
EBN_MAN_PAGES += man/ebpfnetctl.8
