# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Tests under other kernels. `make check-vm-smoke` boots the oldest supported one, `make check-vm` all.
EBN_VM_SMOKE = tests/vm/kernel-6.1.sh
EBN_VM_TESTS = tests/vm/kernel-5.10.sh $(EBN_VM_SMOKE) tests/vm/kernel-6.12.sh \
	tests/vm/kernel-newest.sh
# programs of the build tree that the guests run; each makes what it needs and needs no network
EBN_VM_GUEST_TESTS = tests/unit/test-features tests/packet/test-node-probe tests/packet/test-path
# what the full matrix runs beyond these
EBN_VM_MORE_TESTS = tests/vm/report tests/vm/end-to-end tests/vm/geneve tests/vm/netkit tests/vm/pacing \
	tests/packet/test-pace tests/packet/test-parse tests/packet/test-tcp tests/packet/test-ct tests/packet/test-cut tests/packet/test-nat tests/packet/test-nat-ports tests/packet/test-xdp
EXTRA_DIST += $(EBN_VM_TESTS) tests/vm/check-kernel tests/vm/fetch-kernel tests/vm/guest \
	tests/vm/run-in-vm tests/vm/end-to-end tests/vm/geneve tests/vm/netkit tests/vm/pacing tools/kernel-table

EXTRA_PROGRAMS += tests/vm/pair tests/vm/refused tests/vm/report
ROOT_PROGS += tests/vm/pair tests/vm/refused tests/vm/report
tests_vm_pair_SOURCES = tests/vm/pair.c
tests_vm_pair_LDADD = $(EBN_TEST_LIBS)
tests_vm_report_SOURCES = tests/vm/report.c
tests_vm_report_LDADD = lib/libebpfnet.la $(LIBBPF_LIBS)
tests_vm_refused_SOURCES = tests/vm/refused.c
tests_vm_refused_LDADD = lib/libebpfnet-internal.la

check-vm-smoke check-vm: root-programs
	@test "`id -u`" = 0 || { echo "$@ needs root" >&2; exit 1; }
	tests='$(EBN_VM_TESTS)' guest='$(EBN_VM_GUEST_TESTS) $(EBN_VM_MORE_TESTS)' limit=3600; \
	case $@ in *-smoke) tests='$(EBN_VM_SMOKE)' guest='$(EBN_VM_GUEST_TESTS)' limit=1800 ;; esac; \
	EBN_VM_RUN="$$guest" EBN_VM_TIMEOUT="$$limit" \
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS check_PROGRAMS= TESTS="$$tests" TEST_SUITE_LOG=$@.log
.PHONY: check-vm check-vm-smoke
CLEANFILES += check-vm.log check-vm-smoke.log
