# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause

# publish, grace period, reuse and epochs of the node tables
EXTRA_DIST += tests/spin/publish.pml tests/spin/check-publish
ROOT_TESTS += tests/spin/check-publish

# claims, reuse, updates and grace periods of the flow tables
EXTRA_DIST += tests/spin/flow.pml tests/spin/check-flow
ROOT_TESTS += tests/spin/check-flow
