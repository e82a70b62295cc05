#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# The guest tests under kernel 6.12.
# shellcheck disable=SC2086 # a list of words
exec "$(dirname "$0")/check-kernel" 6.12 bookworm linux-image-6.12-amd64 -- $EBN_VM_RUN
