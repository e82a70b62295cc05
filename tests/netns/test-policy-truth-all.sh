#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# The truth tables over real namespaces, all of their cases, and a million connections in random worlds.
ALL=1 WORLDS=1740 exec "${top_builddir:-.}/tests/netns/test-policy-truth"
