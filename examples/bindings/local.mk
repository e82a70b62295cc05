# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# The library from other languages; tests/build/check-bindings runs them.
EXTRA_DIST += examples/bindings/explain.py examples/bindings/explain.rs
