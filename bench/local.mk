# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# noinst_PROGRAMS += bench/NAME, linked with lib/libebpfnet-internal.la
