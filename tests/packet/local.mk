# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

# what programs read from node tables
EBN_TEST_BPF_OBJECTS += tests/packet/node_probe.bpf.o
EXTRA_PROGRAMS += tests/packet/test-node-probe
tests_packet_test_node_probe_SOURCES = tests/packet/test-node-probe.c tests/packet/node_probe.h tests/unit/suite.h
nodist_tests_packet_test_node_probe_SOURCES = tests/packet/node_probe.skel.h
tests_packet_test_node_probe_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_builddir)/tests/packet -I$(srcdir)/tests/packet
tests_packet_test_node_probe_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_node_probe_LDADD = $(EBN_TEST_LIBS)
if HAVE_CHECK
ROOT_PROGS += tests/packet/test-node-probe
ROOT_TESTS += tests/packet/test-node-probe
endif

# packets through the datapath's programs
EBN_PACKET_TESTS = tests/packet/test-path tests/packet/test-parse tests/packet/test-tcp tests/packet/test-ct tests/packet/test-cut \
	tests/packet/test-fuzz tests/packet/test-instructions tests/packet/test-nat tests/packet/test-nat-ports tests/packet/test-pace tests/packet/test-quota tests/packet/test-rate \
	tests/packet/test-svc tests/packet/test-svc-told tests/packet/test-svc-direct tests/packet/test-svc-least tests/packet/test-svc-sctp tests/packet/test-flip tests/packet/test-policy-model tests/packet/test-xdp tests/packet/test-xdp-flows
EBN_RIG = tests/packet/counts.c tests/packet/counts.h tests/packet/packet.c tests/packet/packet.h tests/packet/rig.c tests/packet/rig.h tests/unit/suite.h
EXTRA_PROGRAMS += $(EBN_PACKET_TESTS)
tests_packet_test_path_SOURCES = tests/packet/test-path.c $(EBN_RIG)
tests_packet_test_path_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_path_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_parse_SOURCES = tests/packet/test-parse.c $(EBN_RIG)
tests_packet_test_parse_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_parse_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_cut_SOURCES = tests/packet/test-cut.c $(EBN_RIG)
tests_packet_test_cut_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_cut_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_ct_SOURCES = tests/packet/test-ct.c $(EBN_RIG)
tests_packet_test_ct_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_ct_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_flip_SOURCES = tests/packet/test-flip.c $(EBN_RIG)
tests_packet_test_flip_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_flip_LDADD = $(EBN_TEST_LIBS) -lpthread
tests_packet_test_policy_model_SOURCES = tests/packet/test-policy-model.c $(EBN_POLICY_WORLD) tests/unit/policy-arena.h $(EBN_RIG)
tests_packet_test_policy_model_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_policy_model_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_tcp_SOURCES = tests/packet/test-tcp.c $(EBN_RIG)
tests_packet_test_tcp_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_tcp_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_fuzz_SOURCES = tests/packet/test-fuzz.c $(EBN_RIG)
tests_packet_test_fuzz_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_fuzz_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_instructions_SOURCES = tests/packet/test-instructions.c $(EBN_RIG)
tests_packet_test_instructions_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_instructions_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_nat_SOURCES = tests/packet/test-nat.c tests/packet/nat.c tests/packet/nat.h tests/packet/sums.c \
	tests/packet/sums.h $(EBN_RIG)
tests_packet_test_nat_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_nat_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_nat_ports_SOURCES = tests/packet/test-nat-ports.c tests/packet/nat.c tests/packet/nat.h tests/packet/sums.c \
	tests/packet/sums.h $(EBN_RIG)
tests_packet_test_nat_ports_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_nat_ports_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_pace_SOURCES = tests/packet/test-pace.c $(EBN_RIG)
tests_packet_test_pace_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_pace_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_rate_SOURCES = tests/packet/test-rate.c $(EBN_RIG)
tests_packet_test_rate_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_rate_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_quota_SOURCES = tests/packet/test-quota.c $(EBN_RIG)
tests_packet_test_quota_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_quota_LDADD = $(EBN_TEST_LIBS)
EBN_SVC_RIG = tests/packet/svc.c tests/packet/svc.h tests/packet/nat.c tests/packet/nat.h tests/packet/sums.c tests/packet/sums.h $(EBN_RIG)
tests_packet_test_svc_SOURCES = tests/packet/test-svc.c $(EBN_SVC_RIG)
tests_packet_test_svc_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_svc_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_svc_direct_SOURCES = tests/packet/test-svc-direct.c $(EBN_SVC_RIG)
tests_packet_test_svc_direct_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_svc_direct_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_svc_told_SOURCES = tests/packet/test-svc-told.c $(EBN_SVC_RIG)
tests_packet_test_svc_told_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_svc_told_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_svc_least_SOURCES = tests/packet/test-svc-least.c $(EBN_SVC_RIG)
tests_packet_test_svc_least_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_svc_least_LDADD = $(EBN_TEST_LIBS) -lm
tests_packet_test_svc_sctp_SOURCES = tests/packet/test-svc-sctp.c $(EBN_SVC_RIG)
tests_packet_test_svc_sctp_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_svc_sctp_LDADD = $(EBN_TEST_LIBS)
EBN_XDP_RIG = tests/packet/counts.c tests/packet/counts.h tests/packet/packet.c tests/packet/packet.h tests/packet/sums.c tests/packet/sums.h tests/packet/xdp_case.c \
	tests/packet/xdp_case.h tests/packet/xdp_rig.c tests/packet/xdp_rig.h tests/unit/suite.h
tests_packet_test_xdp_SOURCES = tests/packet/test-xdp.c $(EBN_XDP_RIG)
tests_packet_test_xdp_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_xdp_LDADD = $(EBN_TEST_LIBS)
tests_packet_test_xdp_flows_SOURCES = tests/packet/test-xdp-flows.c $(EBN_XDP_RIG)
tests_packet_test_xdp_flows_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_packet_test_xdp_flows_LDADD = $(EBN_TEST_LIBS)
EXTRA_DIST += tests/packet/policy-model-slow
if HAVE_CHECK
SLOW_PROGS += tests/packet/test-policy-model
SLOW_TESTS += tests/packet/policy-model-slow
ROOT_PROGS += $(EBN_PACKET_TESTS)
ROOT_TESTS += $(EBN_PACKET_TESTS)
endif
