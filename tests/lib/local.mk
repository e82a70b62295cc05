# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# What several tests share and the library does not: the reference evaluator of policies, random worlds.
EBN_REFERENCE = tests/lib/ref_cilium.c tests/lib/ref_k8s.c tests/lib/ref_policy.c tests/lib/ref_policy.h
EBN_WORLD = $(EBN_REFERENCE) tests/lib/asking.c tests/lib/shrink.c tests/lib/world.c tests/lib/world.h
# runs each test that needs privilege, and fails it when it leaves something behind
EXTRA_DIST += tests/lib/leaks tests/lib/skeleton.h
