# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# The bench is built on demand: bench/run, or make bench-programs. It links the library with its internal symbols.
EBN_BENCH_BPF_OBJECTS = bench/address.bpf.o bench/flow.bpf.o bench/packet.bpf.o bench/policy.bpf.o \
	bench/service.bpf.o bench/xdp.bpf.o
EBN_TEST_BPF_OBJECTS += $(EBN_BENCH_BPF_OBJECTS)
EBN_BENCH_SKELETONS = $(EBN_BENCH_BPF_OBJECTS:.bpf.o=.skel.h)
EXTRA_DIST += bench/run bench/RESULTS.md tools/bench-report
EXTRA_PROGRAMS += bench/ebn-bench
CLEANFILES += bench/ebn-bench
bench_ebn_bench_SOURCES = \
	bench/address.c \
	bench/agent.c \
	bench/address_bench.h \
	bench/balance.c \
	bench/bench.h \
	bench/cni.c \
	bench/compile.c \
	bench/conntrack.c \
	bench/daemon.h \
	bench/dnat.c \
	bench/flow.c \
	bench/flow_bench.h \
	bench/forward.c \
	bench/identity.c \
	bench/lab.c \
	bench/lab.h \
	bench/main.c \
	bench/measure.c \
	bench/nat.c \
	bench/net.c \
	bench/observe.c \
	bench/packet.c \
	bench/packet_bench.h \
	bench/policy.c \
	bench/policy_bench.h \
	bench/rules.c \
	bench/rules.h \
	bench/service.c \
	bench/setup.c \
	bench/setup.h \
	bench/spaces.c \
	bench/spaces.h \
	bench/system.c \
	bench/upgrade.c \
	bench/xdp.c \
	bench/xdp_bench.h \
	tests/lib/scale.c \
	tests/lib/scale.h \
	tests/unit/policy-arena.h
bench_ebn_bench_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) -I$(top_builddir)/bench -I$(srcdir)/bench
bench_ebn_bench_LDADD = lib/libebpfnet-internal.la $(JANSSON_LIBS) -lpthread

bench-programs: all
	$(MAKE) $(AM_MAKEFLAGS) $(EBN_BENCH_SKELETONS)
	$(MAKE) $(AM_MAKEFLAGS) bench/ebn-bench
.PHONY: bench-programs
