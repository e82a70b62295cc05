# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# A model test holds code against a reference written as plainly as it goes, over random input.
EBN_MODEL_TESTS = tests/model/model-policy
EXTRA_DIST += tests/model/model-policy-slow

tests_model_model_policy_SOURCES = tests/model/model-policy.c tests/unit/suite.h tests/unit/policy-arena.h
tests_model_model_policy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_model_model_policy_LDADD = $(EBN_TEST_LIBS)

EBN_MODEL_TESTS += tests/model/model-ipam
tests_model_model_ipam_SOURCES = tests/model/model-ipam.c tests/unit/suite.h
tests_model_model_ipam_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_model_model_ipam_LDADD = $(EBN_TEST_LIBS)

if HAVE_CHECK
check_PROGRAMS += $(EBN_MODEL_TESTS)
TESTS += $(EBN_MODEL_TESTS)
SLOW_PROGS += tests/model/model-policy
SLOW_TESTS += tests/model/model-policy-slow
endif
