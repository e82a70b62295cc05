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
