#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
# A kernel that is too old is refused, and the message names what it lacks.
exec "$(dirname "$0")/check-kernel" 5.10 bullseye linux-image-amd64 -- tests/vm/refused
