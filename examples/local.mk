# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Installed programs go to bin_PROGRAMS, others to noinst_PROGRAMS; link $(EBN_EXAMPLE_LIBS).
include examples/api/local.mk
include examples/tutorial/local.mk
include examples/loops/local.mk
include examples/bindings/local.mk
include examples/common/local.mk
include examples/agent/local.mk
include examples/ctl/local.mk
include examples/policy/local.mk
include examples/cni/local.mk
include examples/sim/local.mk
