#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# The guest tests under kernel newest.
# shellcheck disable=SC2086 # a list of words
exec "$(dirname "$0")/check-kernel" newest trixie-backports linux-image-amd64 -- $EBN_VM_RUN
