# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
bin_PROGRAMS += examples/sim/ebpfnet-sim
examples_sim_ebpfnet_sim_SOURCES = examples/sim/capture.c examples/sim/capture.h examples/sim/main.c examples/sim/packet.c \
	examples/sim/show.c examples/sim/sim.h examples/sim/world.c $(EBN_AGENT_SOURCES)
examples_sim_ebpfnet_sim_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
examples_sim_ebpfnet_sim_LDADD = $(EBN_EXAMPLE_LIBS) $(JANSSON_LIBS) $(YAML_LIBS)
EBN_MAN_PAGES += man/ebpfnet-sim.8
