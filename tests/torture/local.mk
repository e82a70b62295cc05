# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

# node tables: a writer killed 1,000 times beside a reader
EXTRA_PROGRAMS += tests/torture/node-crash
tests_torture_node_crash_SOURCES = tests/torture/node-crash.c tests/unit/suite.h
tests_torture_node_crash_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_torture_node_crash_LDADD = $(EBN_TEST_LIBS)
if HAVE_CHECK
ROOT_PROGS += tests/torture/node-crash
ROOT_TESTS += tests/torture/node-crash
endif

# flow tables: programs on every CPU and user space at the same table
EBN_TEST_BPF_OBJECTS += tests/torture/flow_stress.bpf.o
EXTRA_PROGRAMS += tests/torture/flow-stress
tests_torture_flow_stress_SOURCES = tests/torture/flow-stress.c tests/torture/flow_stress.h
tests_torture_flow_stress_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/torture
tests_torture_flow_stress_CFLAGS = $(AM_CFLAGS) -pthread
tests_torture_flow_stress_LDADD = lib/libebpfnet-internal.la
ROOT_PROGS += tests/torture/flow-stress
ROOT_TESTS += tests/torture/flow-stress
EXTRA_DIST += tests/torture/flow-flood
SLOW_PROGS += tests/torture/flow-stress
SLOW_TESTS += tests/torture/flow-flood

# every allocation fails once: quick, no privilege
EBN_NOMEM_TESTS = tests/torture/nomem
tests_torture_nomem_SOURCES = tests/torture/nomem.c tests/unit/suite.h
tests_torture_nomem_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_torture_nomem_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup \
	-Wl,--wrap=vasprintf,--wrap=__vasprintf_chk,--wrap=free
tests_torture_nomem_LDADD = $(EBN_TEST_LIBS)
if HAVE_CHECK
check_PROGRAMS += $(EBN_NOMEM_TESTS)
TESTS += $(EBN_NOMEM_TESTS)
endif

# identities over a file: each system call and each allocation fails once
EBN_IDENTITY_TORTURE = tests/torture/identity-fail
tests_torture_identity_fail_SOURCES = tests/torture/identity-fail.c tests/unit/suite.h
tests_torture_identity_fail_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_torture_identity_fail_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
tests_torture_identity_fail_LDADD = $(EBN_TEST_LIBS)
if HAVE_CHECK
check_PROGRAMS += $(EBN_IDENTITY_TORTURE)
TESTS += $(EBN_IDENTITY_TORTURE)
endif

# policy: a reader beside 10,000 flips; each allocation fails once
EBN_POLICY_TORTURE = tests/torture/policy-flip tests/torture/policy-malloc
tests_torture_policy_flip_SOURCES = tests/torture/policy-flip.c tests/unit/suite.h tests/unit/policy-arena.h
tests_torture_policy_flip_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_torture_policy_flip_LDADD = $(EBN_TEST_LIBS) -lpthread
tests_torture_policy_malloc_SOURCES = tests/torture/policy-malloc.c tests/unit/suite.h tests/unit/policy-arena.h
tests_torture_policy_malloc_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_torture_policy_malloc_LDADD = $(EBN_TEST_LIBS)
tests_torture_policy_malloc_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
if HAVE_CHECK
check_PROGRAMS += $(EBN_POLICY_TORTURE)
TESTS += $(EBN_POLICY_TORTURE)
endif

# threads with contexts of their own; check-threads is for a build with --enable-sanitizers=thread
EBN_THREAD_TESTS = tests/torture/threads
tests_torture_threads_SOURCES = tests/torture/threads.c tests/unit/suite.h tests/unit/policy-arena.h
tests_torture_threads_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -pthread
tests_torture_threads_LDADD = $(EBN_TEST_LIBS)
if HAVE_CHECK
check_PROGRAMS += $(EBN_THREAD_TESTS)
TESTS += $(EBN_THREAD_TESTS)
endif

check-threads:
	$(MAKE) $(AM_MAKEFLAGS) $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) $(EBN_THREAD_TESTS)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS check_PROGRAMS= TESTS='$(EBN_THREAD_TESTS)' TEST_SUITE_LOG=check-threads.log
.PHONY: check-threads
CLEANFILES += check-threads.log

# valgrind over the tests that write tables and rows: bytes that nobody wrote, memory that is lost
EBN_VALGRIND_TESTS = tests/unit/test-node tests/unit/test-policy tests/unit/test-policy-model tests/unit/test-service \
	tests/unit/test-conntrack tests/unit/test-ct-filter tests/unit/test-ct-image tests/unit/test-ct-watch \
	tests/unit/test-health tests/unit/test-identity tests/unit/test-ipam tests/unit/test-names tests/unit/test-event tests/golden/golden-policy
SLOW_TESTS += tests/torture/valgrind
EXTRA_DIST += tests/torture/valgrind tests/torture/valgrind.supp
if HAVE_CHECK
SLOW_PROGS += $(EBN_VALGRIND_TESTS)
endif
