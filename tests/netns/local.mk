# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
ROOT_TESTS += tests/netns/examples-api
EXTRA_DIST += tests/netns/examples-api
