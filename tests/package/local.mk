# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# Debian packages in a clean system: minutes, and what tools/install-deps does not install
SLOW_TESTS += tests/package/debian
EXTRA_DIST += tests/package/debian
