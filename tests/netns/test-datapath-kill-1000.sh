#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# test-datapath-kill.sh with 1,000 kills.
EBN_KILLS=${EBN_KILLS:-1000} exec "${top_srcdir:-.}/tests/netns/test-datapath-kill.sh"
