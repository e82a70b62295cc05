# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# A fuzz target NAME is tests/fuzz/NAME.c and tests/fuzz/corpus/NAME/. Without libFuzzer it replays
# its corpus and mutations of it in make check; with --enable-fuzzers run it by hand:
# tests/fuzz/fuzz-NAME CORPUS.
EBN_FUZZ_TARGETS = \
	tests/fuzz/fuzz-address \
	tests/fuzz/fuzz-agent-conf \
	tests/fuzz/fuzz-control \
	tests/fuzz/fuzz-event \
	tests/fuzz/fuzz-filter \
	tests/fuzz/fuzz-ipam \
	tests/fuzz/fuzz-flows \
	tests/fuzz/fuzz-label-filter \
	tests/fuzz/fuzz-labels \
	tests/fuzz/fuzz-node \
	tests/fuzz/fuzz-policy \
	tests/fuzz/fuzz-selector

EBN_FUZZ_CORPUS = \
	tests/fuzz/corpus/address/v4 \
	tests/fuzz/corpus/address/v6 \
	tests/fuzz/corpus/address/mac \
	tests/fuzz/corpus/agent-conf/alias.yaml \
	tests/fuzz/corpus/agent-conf/breaks.yaml \
	tests/fuzz/corpus/agent-conf/complete.yaml \
	tests/fuzz/corpus/agent-conf/deep.yaml \
	tests/fuzz/corpus/agent-conf/flow.yaml \
	tests/fuzz/corpus/agent-conf/services.yaml \
	tests/fuzz/corpus/agent-conf/socket.json \
	tests/fuzz/corpus/control/garbage \
	tests/fuzz/corpus/control/hello \
	tests/fuzz/corpus/control/read \
	tests/fuzz/corpus/control/watch \
	tests/fuzz/corpus/control/write \
	tests/fuzz/corpus/event/short \
	tests/fuzz/corpus/event/verdict-v4 \
	tests/fuzz/corpus/event/drop-v6 \
	tests/fuzz/corpus/filter/many \
	tests/fuzz/corpus/filter/one \
	tests/fuzz/corpus/ipam/lease \
	tests/fuzz/corpus/ipam/resting \
	tests/fuzz/corpus/flows/fewer-fields \
	tests/fuzz/corpus/flows/three \
	tests/fuzz/corpus/flows/two-images \
	tests/fuzz/corpus/label-filter/many \
	tests/fuzz/corpus/labels/many \
	tests/fuzz/corpus/labels/one \
	tests/fuzz/corpus/node/extents \
	tests/fuzz/corpus/node/header \
	tests/fuzz/corpus/node/pieces \
	tests/fuzz/corpus/node/root \
	tests/fuzz/corpus/node/rows \
	tests/fuzz/corpus/node/tail \
	tests/fuzz/corpus/policy/all-fields \
	tests/fuzz/corpus/policy/json \
	tests/fuzz/corpus/policy/not-enforced \
	tests/fuzz/corpus/selector/all-operators \
	tests/fuzz/corpus/selector/one

EBN_FUZZ_TARGETS += tests/fuzz/fuzz-inventory
EBN_FUZZ_CORPUS += \
	tests/fuzz/corpus/inventory/shop.yaml \
	tests/fuzz/corpus/inventory/small.json \
	tests/fuzz/corpus/policy/admin \
	tests/fuzz/corpus/policy/cilium \
	tests/fuzz/corpus/policy/k8s \
	tests/fuzz/corpus/policy/list
tests_fuzz_fuzz_inventory_SOURCES = tests/fuzz/inventory.c examples/policy/inventory.c examples/policy/tool.h \
	examples/policy/world.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_inventory_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_inventory_LDADD = examples/agent/libagent.la lib/libebpfnet-internal.la $(JANSSON_LIBS)
tests_fuzz_fuzz_inventory_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)

EBN_FUZZ_TARGETS += tests/fuzz/fuzz-cni
EBN_FUZZ_CORPUS += \
	tests/fuzz/corpus/cni/add \
	tests/fuzz/corpus/cni/chained \
	tests/fuzz/corpus/cni/gc
tests_fuzz_fuzz_cni_SOURCES = tests/fuzz/cni.c examples/cni/answer.c examples/cni/cni.h examples/cni/conf.c \
	examples/cni/document.c examples/cni/env.c examples/cni/result.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_cni_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_cni_LDADD = lib/libebpfnet-internal.la $(JANSSON_LIBS)
tests_fuzz_fuzz_cni_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)

EBN_FUZZ_TARGETS += tests/fuzz/fuzz-capture
EBN_FUZZ_CORPUS += \
	tests/fuzz/corpus/capture/big-ns \
	tests/fuzz/corpus/capture/hex \
	tests/fuzz/corpus/capture/little \
	tests/fuzz/corpus/capture/ng-big \
	tests/fuzz/corpus/capture/ng-little
tests_fuzz_fuzz_capture_SOURCES = tests/fuzz/capture.c examples/sim/capture.c examples/sim/capture.h $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_capture_LDADD = lib/libebpfnet-internal.la
tests_fuzz_fuzz_capture_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)

EXTRA_DIST += $(EBN_FUZZ_CORPUS) tests/fuzz/long
# minutes for each target
SLOW_TESTS += tests/fuzz/long

if FUZZERS
EBN_FUZZ_MAIN = tests/fuzz/fuzz.h
noinst_PROGRAMS += $(EBN_FUZZ_TARGETS)
else
EBN_FUZZ_MAIN = tests/fuzz/replay.c tests/fuzz/fuzz.h
check_PROGRAMS += $(EBN_FUZZ_TARGETS)
TESTS += $(EBN_FUZZ_TARGETS)
endif

tests_fuzz_fuzz_address_SOURCES = tests/fuzz/address.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_address_LDADD = lib/libebpfnet-internal.la
tests_fuzz_fuzz_address_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_event_SOURCES = tests/fuzz/event.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_event_LDADD = lib/libebpfnet-internal.la
tests_fuzz_fuzz_event_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_filter_SOURCES = tests/fuzz/filter.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_filter_LDADD = lib/libebpfnet-internal.la
tests_fuzz_fuzz_filter_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_ipam_SOURCES = tests/fuzz/ipam.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_ipam_LDADD = lib/libebpfnet-internal.la
tests_fuzz_fuzz_ipam_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_flows_SOURCES = tests/fuzz/flows.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_flows_LDADD = lib/libebpfnet-internal.la $(ZLIB_LIBS)
tests_fuzz_fuzz_flows_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_label_filter_SOURCES = tests/fuzz/label-filter.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_label_filter_LDADD = lib/libebpfnet-internal.la
tests_fuzz_fuzz_label_filter_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_labels_SOURCES = tests/fuzz/labels.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_labels_LDADD = lib/libebpfnet-internal.la
tests_fuzz_fuzz_labels_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_node_SOURCES = tests/fuzz/node.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_node_LDADD = lib/libebpfnet-internal.la
tests_fuzz_fuzz_node_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_policy_SOURCES = tests/fuzz/policy.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_policy_LDADD = lib/libebpfnet-internal.la
tests_fuzz_fuzz_policy_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_selector_SOURCES = tests/fuzz/selector.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_selector_LDADD = lib/libebpfnet-internal.la
tests_fuzz_fuzz_selector_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_agent_conf_SOURCES = tests/fuzz/agent-conf.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_agent_conf_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_agent_conf_LDADD = examples/agent/libagent.la lib/libebpfnet-internal.la $(JANSSON_LIBS)
tests_fuzz_fuzz_agent_conf_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/control.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_control_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_control_LDADD = examples/agent/libagent.la lib/libebpfnet-internal.la $(JANSSON_LIBS)
tests_fuzz_fuzz_control_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)

EBN_FUZZ_TARGETS += tests/fuzz/fuzz-import
EBN_FUZZ_CORPUS += \
	tests/fuzz/corpus/import/by-hand \
	tests/fuzz/corpus/import/kube-proxy \
	tests/fuzz/corpus/import/nft \
	tests/fuzz/corpus/import/six
tests_fuzz_fuzz_import_SOURCES = tests/fuzz/import.c examples/ctl/import.c examples/ctl/import.h examples/ctl/import_iptables.c \
	examples/ctl/import_nft.c $(EBN_FUZZ_MAIN)
tests_fuzz_fuzz_import_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_import_LDADD = lib/libebpfnet-internal.la $(JANSSON_LIBS)
tests_fuzz_fuzz_import_LDFLAGS = $(AM_LDFLAGS) $(EBN_FUZZ_LDFLAGS)
