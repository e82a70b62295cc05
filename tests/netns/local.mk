# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
ROOT_TESTS += tests/netns/examples-api tests/netns/test-tutorial.sh tests/netns/test-tutorial-balancer.sh
EXTRA_DIST += tests/netns/examples-api tests/netns/test-tutorial.sh tests/netns/test-tutorial-balancer.sh

# the datapath: a helper that makes the calls, and tests that watch what comes of them
EXTRA_PROGRAMS += tests/netns/dp-helper tests/netns/flood tests/netns/foreign
tests_netns_dp_helper_SOURCES = tests/netns/dp-helper.c
tests_netns_dp_helper_LDADD = lib/libebpfnet-internal.la
tests_netns_flood_SOURCES = tests/netns/flood.c
tests_netns_flood_LDADD =
tests_netns_foreign_SOURCES = tests/netns/foreign.c
tests_netns_foreign_LDADD = $(LIBBPF_LIBS)
EBN_TEST_BPF_OBJECTS += tests/netns/layout/ebn_datapath.bpf.o tests/netns/decap.bpf.o
EBN_DATAPATH_TESTS = tests/netns/test-datapath-lifecycle.sh tests/netns/test-datapath-endpoints.sh \
	tests/netns/test-datapath-others.sh tests/netns/test-datapath-torture.sh tests/netns/test-ct-torture.sh \
	tests/netns/test-datapath-traffic.sh tests/netns/test-datapath-kill.sh \
	tests/netns/test-datapath-upgrade.sh tests/netns/test-datapath-nat.sh tests/netns/test-datapath-many.sh
ROOT_PROGS += tests/netns/dp-helper tests/netns/flood tests/netns/foreign
ROOT_TESTS += $(EBN_DATAPATH_TESTS)
SLOW_PROGS += tests/netns/dp-helper tests/netns/flood tests/netns/foreign
SLOW_TESTS += tests/netns/test-datapath-kill-1000.sh tests/netns/agent-flood-long
EXTRA_DIST += $(EBN_DATAPATH_TESTS) tests/netns/test-datapath-kill-1000.sh tests/netns/datapath.sh tests/netns/failcall.c tests/netns/pin-ids.py \
	tests/netns/poke.py tests/netns/tcx-order.py
ROOT_TESTS += tests/netns/test-events
ROOT_PROGS += tests/netns/test-events
EXTRA_PROGRAMS += tests/netns/test-events
tests_netns_test_events_SOURCES = tests/netns/test-events.c tests/unit/suite.h
tests_netns_test_events_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_netns_test_events_LDADD = $(EBN_TEST_LIBS)
ROOT_TESTS += tests/netns/test-address
ROOT_PROGS += tests/netns/test-address
EXTRA_PROGRAMS += tests/netns/test-address
tests_netns_test_address_SOURCES = tests/netns/test-address.c tests/unit/suite.h
tests_netns_test_address_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_netns_test_address_LDADD = $(EBN_TEST_LIBS)
ROOT_TESTS += tests/netns/test-fqdn
ROOT_PROGS += tests/netns/test-fqdn
EXTRA_PROGRAMS += tests/netns/test-fqdn
tests_netns_test_fqdn_SOURCES = tests/netns/test-fqdn.c tests/unit/suite.h
tests_netns_test_fqdn_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_netns_test_fqdn_LDADD = $(EBN_TEST_LIBS)
ROOT_TESTS += tests/netns/test-conntrack
ROOT_PROGS += tests/netns/test-conntrack
EXTRA_PROGRAMS += tests/netns/test-conntrack
tests_netns_test_conntrack_SOURCES = tests/netns/test-conntrack.c tests/unit/suite.h
tests_netns_test_conntrack_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_netns_test_conntrack_LDADD = $(EBN_TEST_LIBS) $(ZLIB_LIBS)
ROOT_TESTS += tests/netns/test-run
ROOT_PROGS += tests/netns/test-run
EXTRA_PROGRAMS += tests/netns/test-run
tests_netns_test_run_SOURCES = tests/netns/test-run.c tests/packet/packet.c tests/packet/packet.h tests/unit/suite.h
tests_netns_test_run_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_netns_test_run_LDADD = $(EBN_TEST_LIBS)
ROOT_TESTS += tests/netns/test-flows.sh tests/netns/sim
EXTRA_DIST += tests/netns/test-flows.sh tests/netns/sim
EBN_AGENT_TESTS = tests/netns/agent tests/netns/agent-ct tests/netns/agent-cut tests/netns/agent-flood tests/netns/agent-inside tests/netns/agent-rate \
	tests/netns/agent-health tests/netns/agent-health-port tests/netns/agent-host tests/netns/agent-observe tests/netns/agent-privileges tests/netns/agent-service tests/netns/agent-service-least tests/netns/agent-service-load tests/netns/agent-service-outside tests/netns/agent-syscalls tests/netns/agent-xdp tests/netns/demo
ROOT_TESTS += $(EBN_AGENT_TESTS)
EXTRA_DIST += $(EBN_AGENT_TESTS) tests/netns/agent-flood-long tests/netns/agent-lib.sh tests/netns/agent-outside.sh run-demo
ROOT_TESTS += tests/netns/test-service
ROOT_PROGS += tests/netns/test-service
EXTRA_PROGRAMS += tests/netns/test-service
tests_netns_test_service_SOURCES = tests/netns/test-service.c tests/unit/suite.h
tests_netns_test_service_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_netns_test_service_LDADD = $(EBN_TEST_LIBS)
# ebpfnet-cni
ROOT_TESTS += tests/netns/egress tests/netns/nodes tests/netns/service-anywhere tests/netns/test-node
ROOT_PROGS += tests/netns/test-node
EXTRA_PROGRAMS += tests/netns/test-node
tests_netns_test_node_SOURCES = tests/netns/test-node.c tests/netns/tables.h tests/unit/suite.h
tests_netns_test_node_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_netns_test_node_LDADD = $(EBN_TEST_LIBS)
ROOT_TESTS += tests/netns/test-host
ROOT_PROGS += tests/netns/test-host
EXTRA_PROGRAMS += tests/netns/test-host
tests_netns_test_host_SOURCES = tests/netns/test-host.c tests/netns/tables.h tests/unit/suite.h
tests_netns_test_host_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_netns_test_host_LDADD = $(EBN_TEST_LIBS)
EXTRA_DIST += tests/netns/egress tests/netns/mirror.py tests/netns/nodes tests/netns/nodes-lib.sh tests/netns/service-anywhere
EBN_CNI_TESTS = tests/netns/cni tests/netns/cni-ipam tests/netns/cni-many tests/netns/cni-runtimes
ROOT_TESTS += $(EBN_CNI_TESTS)
EXTRA_DIST += $(EBN_CNI_TESTS) tests/netns/cni-lib.sh
EXTRA_PROGRAMS += tests/netns/test-policy-truth
ROOT_PROGS += tests/netns/test-policy-truth
ROOT_TESTS += tests/netns/test-policy-truth
SLOW_PROGS += tests/netns/test-policy-truth
SLOW_TESTS += tests/netns/test-policy-truth-all.sh
EXTRA_DIST += tests/netns/test-policy-truth-all.sh
tests_netns_test_policy_truth_SOURCES = tests/netns/test-policy-truth.c $(EBN_WORLD)
tests_netns_test_policy_truth_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_netns_test_policy_truth_LDADD = lib/libebpfnet-internal.la $(JANSSON_LIBS) $(YAML_LIBS)
ROOT_TESTS += tests/netns/test-xdp
ROOT_PROGS += tests/netns/test-xdp
EXTRA_PROGRAMS += tests/netns/test-xdp
tests_netns_test_xdp_SOURCES = tests/netns/test-xdp.c tests/unit/suite.h
tests_netns_test_xdp_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_netns_test_xdp_LDADD = $(EBN_TEST_LIBS)
