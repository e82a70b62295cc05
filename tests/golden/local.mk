# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# A golden test compares output with files that are part of the tree; EBN_GOLDEN_UPDATE=1 in the
# environment writes them anew, and the difference is reviewed.
EBN_GOLDEN_TESTS = tests/golden/golden-flow
EXTRA_DIST += tests/golden/flows.jsonl tests/golden/flows-strict.jsonl tests/golden/flows.txt

tests_golden_golden_flow_SOURCES = tests/golden/golden-flow.c tests/unit/suite.h
tests_golden_golden_flow_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_golden_golden_flow_LDADD = $(EBN_TEST_LIBS) $(JANSSON_LIBS)

EBN_GOLDEN_TESTS += tests/golden/golden-policy
EXTRA_DIST += tests/golden/policy-tables.txt
tests_golden_golden_policy_SOURCES = tests/golden/golden-policy.c tests/unit/suite.h tests/unit/policy-arena.h
tests_golden_golden_policy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_golden_golden_policy_LDADD = $(EBN_TEST_LIBS)

EBN_GOLDEN_TESTS += tests/golden/golden-malformed
EXTRA_DIST += tests/golden/policy-malformed.txt
tests_golden_golden_malformed_SOURCES = tests/golden/golden-malformed.c tests/unit/suite.h
tests_golden_golden_malformed_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_golden_golden_malformed_LDADD = $(EBN_TEST_LIBS)

# make distcheck-short runs these: they read files of the tree
EBN_SHORT_TEST_PROGS = $(EBN_GOLDEN_TESTS)
EBN_SHORT_TESTS = $(EBN_GOLDEN_TESTS) tests/golden/check-policy-tool tests/golden/check-service-import

if HAVE_CHECK
check_PROGRAMS += $(EBN_GOLDEN_TESTS)
TESTS += $(EBN_GOLDEN_TESTS)
endif

TESTS += tests/golden/check-policy-tool tests/golden/check-service-import
EXTRA_DIST += tests/golden/check-service-import tests/golden/service-import.txt tests/golden/import/by-hand.rules \
	tests/golden/import/kube-proxy.rules tests/golden/import/rules.json tests/golden/import/six.rules
EXTRA_DIST += tests/golden/check-policy-tool tests/golden/policy-tool.txt examples/policy/inventory.yaml \
	examples/policy/shop.yaml examples/policy/shop-db.yaml examples/policy/cluster.yaml

golden-update: $(EBN_GOLDEN_TESTS) examples/ctl/ebpfnetctl examples/policy/ebpfnet-policy
	@for t in $(EBN_GOLDEN_TESTS) $(srcdir)/tests/golden/check-policy-tool $(srcdir)/tests/golden/check-service-import; do \
		EBN_GOLDEN_UPDATE=1 top_srcdir='$(abs_top_srcdir)' $$t || exit 1; \
	done
.PHONY: golden-update
