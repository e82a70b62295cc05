# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# A unit test is a program that links $(EBN_TEST_LIBS), needs no privilege and takes no longer than
# a second or two. Append it to EBN_UNIT_TESTS.
EBN_UNIT_TESTS = tests/unit/test-version

tests_unit_test_version_SOURCES = tests/unit/test-version.c
tests_unit_test_version_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_version_LDADD = $(EBN_TEST_LIBS)

EBN_UNIT_TESTS += tests/unit/test-core tests/unit/test-labels tests/unit/test-selector
tests_unit_test_core_SOURCES = tests/unit/test-core.c tests/unit/suite.h
tests_unit_test_core_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_core_LDADD = $(EBN_TEST_LIBS)
tests_unit_test_labels_SOURCES = tests/unit/test-labels.c tests/unit/suite.h
tests_unit_test_labels_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_labels_LDADD = $(EBN_TEST_LIBS)
tests_unit_test_selector_SOURCES = tests/unit/test-selector.c tests/unit/suite.h
tests_unit_test_selector_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_selector_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-event tests/unit/test-flow-filter
tests_unit_test_event_SOURCES = tests/unit/test-event.c tests/unit/suite.h
tests_unit_test_event_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_event_LDADD = $(EBN_TEST_LIBS)
tests_unit_test_flow_filter_SOURCES = tests/unit/test-flow-filter.c tests/unit/suite.h
tests_unit_test_flow_filter_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_flow_filter_LDADD = $(EBN_TEST_LIBS)

EBN_UNIT_TESTS += tests/unit/test-flow-table
tests_unit_test_flow_table_SOURCES = tests/unit/test-flow-table.c tests/unit/suite.h
tests_unit_test_flow_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -pthread
tests_unit_test_flow_table_LDADD = $(EBN_TEST_LIBS)

EBN_UNIT_TESTS += tests/unit/test-qdisc
tests_unit_test_qdisc_SOURCES = tests/unit/test-qdisc.c tests/unit/suite.h
tests_unit_test_qdisc_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_qdisc_LDADD = $(EBN_TEST_LIBS) $(LIBMNL_LIBS)

EBN_UNIT_TESTS += tests/unit/test-node
tests_unit_test_node_SOURCES = tests/unit/test-node.c tests/unit/suite.h
tests_unit_test_node_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_node_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-conntrack
tests_unit_test_conntrack_SOURCES = tests/unit/test-conntrack.c tests/unit/suite.h
tests_unit_test_conntrack_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_conntrack_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-ct-filter tests/unit/test-ct-watch tests/unit/test-ct-image
tests_unit_test_ct_filter_SOURCES = tests/unit/test-ct-filter.c tests/unit/ct-tables.h tests/unit/suite.h
tests_unit_test_ct_filter_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ct_filter_LDADD = $(EBN_TEST_LIBS)
tests_unit_test_ct_watch_SOURCES = tests/unit/test-ct-watch.c tests/unit/ct-tables.h tests/unit/suite.h
tests_unit_test_ct_watch_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ct_watch_LDADD = $(EBN_TEST_LIBS)
tests_unit_test_ct_image_SOURCES = tests/unit/test-ct-image.c tests/unit/ct-tables.h tests/unit/suite.h
tests_unit_test_ct_image_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ct_image_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-links
tests_unit_test_links_SOURCES = tests/unit/test-links.c tests/unit/suite.h
tests_unit_test_links_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_links_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-names
tests_unit_test_names_SOURCES = tests/unit/test-names.c tests/unit/suite.h
tests_unit_test_names_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_names_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-ring
tests_unit_test_ring_SOURCES = tests/unit/test-ring.c tests/unit/suite.h
tests_unit_test_ring_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ring_LDADD = $(EBN_TEST_LIBS)

EBN_UNIT_TESTS += tests/unit/test-policy
tests_unit_test_policy_SOURCES = tests/unit/test-policy.c tests/unit/policy-arena.h tests/unit/suite.h
tests_unit_test_policy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_policy_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-policy-model
tests_unit_test_policy_model_SOURCES = tests/unit/test-policy-model.c tests/unit/policy-arena.h tests/unit/suite.h
tests_unit_test_policy_model_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_policy_model_LDADD = $(EBN_TEST_LIBS)

EBN_UNIT_TESTS += tests/unit/test-policy-parse
tests_unit_test_policy_parse_SOURCES = tests/unit/test-policy-parse.c tests/unit/policy-malformed.h tests/unit/suite.h
tests_unit_test_policy_parse_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_policy_parse_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-capture
tests_unit_test_capture_SOURCES = tests/unit/test-capture.c examples/sim/capture.c examples/sim/capture.h tests/unit/suite.h
tests_unit_test_capture_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_capture_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-agent-conf
tests_unit_test_agent_conf_SOURCES = tests/unit/test-agent-conf.c tests/unit/suite.h
tests_unit_test_agent_conf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_agent_conf_LDADD = examples/agent/libagent.la $(EBN_TEST_LIBS) $(JANSSON_LIBS)

EBN_UNIT_TESTS += tests/unit/test-agent-control
tests_unit_test_agent_control_SOURCES = tests/unit/test-agent-control.c tests/unit/suite.h
tests_unit_test_agent_control_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_agent_control_LDADD = examples/agent/libagent.la $(EBN_TEST_LIBS) $(JANSSON_LIBS)

EBN_UNIT_TESTS += tests/unit/test-agent-health
tests_unit_test_agent_health_SOURCES = tests/unit/test-agent-health.c tests/unit/suite.h
tests_unit_test_agent_health_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_agent_health_LDADD = examples/agent/libagent.la $(EBN_TEST_LIBS) $(JANSSON_LIBS)

EBN_UNIT_TESTS += tests/unit/test-ipam
tests_unit_test_ipam_SOURCES = tests/unit/test-ipam.c tests/unit/suite.h
tests_unit_test_ipam_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_ipam_LDADD = $(EBN_TEST_LIBS)

EBN_UNIT_TESTS += tests/unit/test-service
tests_unit_test_service_SOURCES = tests/unit/test-service.c tests/unit/suite.h
tests_unit_test_service_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_service_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-service-ports
tests_unit_test_service_ports_SOURCES = tests/unit/test-service-ports.c tests/unit/suite.h
tests_unit_test_service_ports_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_service_ports_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-service-forwarding
tests_unit_test_service_forwarding_SOURCES = tests/unit/test-service-forwarding.c tests/unit/suite.h
tests_unit_test_service_forwarding_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_service_forwarding_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-http
tests_unit_test_http_SOURCES = tests/unit/test-http.c tests/unit/suite.h
tests_unit_test_http_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_http_LDADD = examples/agent/libagent.la $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-health
tests_unit_test_health_SOURCES = tests/unit/test-health.c tests/unit/suite.h
tests_unit_test_health_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_health_LDADD = $(EBN_TEST_LIBS)
EBN_UNIT_TESTS += tests/unit/test-label-filter tests/unit/test-identity
tests_unit_test_label_filter_SOURCES = tests/unit/test-label-filter.c tests/unit/suite.h
tests_unit_test_label_filter_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_label_filter_LDADD = $(EBN_TEST_LIBS)
tests_unit_test_identity_SOURCES = tests/unit/test-identity.c tests/unit/identity-store.h tests/unit/policy-arena.h tests/unit/suite.h
tests_unit_test_identity_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_identity_LDADD = $(EBN_TEST_LIBS)

# real probing needs privilege
EXTRA_PROGRAMS += tests/unit/test-features
tests_unit_test_features_SOURCES = tests/unit/test-features.c tests/unit/suite.h
tests_unit_test_features_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_features_LDADD = $(EBN_TEST_LIBS)

if HAVE_CHECK
ROOT_PROGS += tests/unit/test-features
ROOT_TESTS += tests/unit/test-features
check_PROGRAMS += $(EBN_UNIT_TESTS)
TESTS += $(EBN_UNIT_TESTS)
endif
