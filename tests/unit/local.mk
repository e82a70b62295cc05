# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
#
# A unit test is a program that links $(EBN_TEST_LIBS), needs no privilege and takes no longer than
# a second or two. Append it to EBN_UNIT_TESTS.
EBN_UNIT_TESTS = tests/unit/test-version

tests_unit_test_version_SOURCES = tests/unit/test-version.c
tests_unit_test_version_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_version_LDADD = $(EBN_TEST_LIBS)

if HAVE_CHECK
check_PROGRAMS += $(EBN_UNIT_TESTS)
TESTS += $(EBN_UNIT_TESTS)
endif
