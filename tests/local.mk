# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
include tests/build/local.mk
include tests/lib/local.mk
include tests/unit/local.mk
include tests/model/local.mk
include tests/golden/local.mk
include tests/packet/local.mk
include tests/netns/local.mk
include tests/torture/local.mk
include tests/fuzz/local.mk
include tests/spin/local.mk
include tests/vm/local.mk
include tests/package/local.mk
