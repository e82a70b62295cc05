#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Damages a pinned, mapped array: poke.py PIN OFFSET HEX writes the bytes at the offset."""
import ctypes
import mmap
import os
import struct
import sys

NR_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351}[os.uname().machine]
BPF_OBJ_GET = 7
libc = ctypes.CDLL(None, use_errno=True)
text = ctypes.create_string_buffer(sys.argv[1].encode() + b"\0")
attr = ctypes.create_string_buffer(struct.pack("=QII", ctypes.addressof(text), 0, 0), 16)
fd = libc.syscall(NR_BPF, BPF_OBJ_GET, attr, 16)
if fd < 0:
    sys.exit(os.strerror(ctypes.get_errno()))
offset, data = int(sys.argv[2], 0), bytes.fromhex(sys.argv[3])
memory = mmap.mmap(fd, 65536)
memory[offset:offset + len(data)] = data
