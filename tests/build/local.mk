# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
EBN_BUILD_TESTS = tests/build/check-abi tests/build/check-headers \
	tests/build/check-bpf-objects tests/build/check-bpf-stack tests/build/check-style tests/build/check-isolation \
	tests/build/check-docs tests/build/check-bpf-headers \
	tests/build/check-bench tests/build/check-bindings tests/build/check-completion tests/build/check-unit-file
TESTS += $(EBN_BUILD_TESTS)
EXTRA_DIST += $(EBN_BUILD_TESTS) tests/build/installcheck tests/build/check-dist-files

# the program in README.md, in namespaces of its own
ROOT_TESTS += tests/netns/test-readme.sh
EXTRA_DIST += tests/netns/test-readme.sh
