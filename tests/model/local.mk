# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# A model test holds code against a reference written as plainly as it goes, over random input.
EBN_MODEL_TESTS = tests/model/model-policy tests/model/model-prefix
EXTRA_DIST += tests/model/model-policy-slow
EBN_POLICY_WORLD = tests/model/policy-chance.h tests/model/policy-life.h tests/model/policy-world.h

tests_model_model_policy_SOURCES = tests/model/model-policy.c $(EBN_POLICY_WORLD) tests/unit/suite.h tests/unit/policy-arena.h
tests_model_model_policy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_model_model_policy_LDADD = $(EBN_TEST_LIBS)
tests_model_model_prefix_SOURCES = tests/model/model-prefix.c tests/unit/suite.h
tests_model_model_prefix_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_model_model_prefix_LDADD = $(EBN_TEST_LIBS)

EBN_MODEL_TESTS += tests/model/model-ipam
tests_model_model_ipam_SOURCES = tests/model/model-ipam.c tests/unit/suite.h
tests_model_model_ipam_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_model_model_ipam_LDADD = $(EBN_TEST_LIBS)

EBN_MODEL_TESTS += tests/model/model-languages tests/model/model-truth
EXTRA_DIST += tests/model/model-languages-slow tests/model/truth/admin.txt tests/model/truth/cilium.txt \
	tests/model/truth/inventory.yaml tests/model/truth/k8s.txt
tests_model_model_languages_SOURCES = tests/model/model-languages.c tests/unit/suite.h $(EBN_WORLD)
tests_model_model_languages_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_model_model_languages_LDADD = $(EBN_TEST_LIBS) $(JANSSON_LIBS) $(YAML_LIBS)
tests_model_model_truth_SOURCES = tests/model/model-truth.c tests/unit/suite.h $(EBN_WORLD)
tests_model_model_truth_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
tests_model_model_truth_LDADD = $(EBN_TEST_LIBS) $(JANSSON_LIBS) $(YAML_LIBS)

EBN_MODEL_TESTS += tests/model/model-service
tests_model_model_service_SOURCES = tests/model/model-service.c tests/unit/suite.h
tests_model_model_service_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_model_model_service_LDADD = $(EBN_TEST_LIBS)

EBN_MODEL_TESTS += tests/model/model-scale
tests_model_model_scale_SOURCES = tests/model/model-scale.c tests/lib/scale.c tests/lib/scale.h tests/unit/policy-arena.h tests/unit/suite.h
tests_model_model_scale_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_model_model_scale_LDADD = $(EBN_TEST_LIBS)

if HAVE_CHECK
SLOW_PROGS += tests/model/model-languages
SLOW_TESTS += tests/model/model-languages-slow
check_PROGRAMS += $(EBN_MODEL_TESTS)
TESTS += $(EBN_MODEL_TESTS)
SLOW_PROGS += tests/model/model-policy
SLOW_TESTS += tests/model/model-policy-slow
endif
