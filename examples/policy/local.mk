# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
bin_PROGRAMS += examples/policy/ebpfnet-policy
examples_policy_ebpfnet_policy_SOURCES = \
	examples/agent/file.c examples/agent/file.h examples/agent/report.c examples/agent/report.h \
	examples/agent/tree.c examples/agent/tree.h examples/policy/commands.c \
	examples/policy/inventory.c examples/policy/main.c examples/policy/tool.h \
	examples/policy/world.c
examples_policy_ebpfnet_policy_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
examples_policy_ebpfnet_policy_LDADD = $(EBN_EXAMPLE_LIBS) $(JANSSON_LIBS) $(YAML_LIBS)
EBN_MAN_PAGES += man/ebpfnet-policy.1
