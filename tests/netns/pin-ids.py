#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Kind and id of every BPF object pinned below a directory: pin-ids.py DIRECTORY."""
import ctypes
import os
import re
import struct
import sys

NR_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351}[os.uname().machine]
BPF_OBJ_GET = 7
libc = ctypes.CDLL(None, use_errno=True)

for folder, _, names in sorted(os.walk(sys.argv[1])):
    for name in sorted(names):
        path = os.path.join(folder, name)
        if os.path.islink(path):
            continue
        text = ctypes.create_string_buffer(path.encode() + b"\0")
        attr = ctypes.create_string_buffer(struct.pack("=QII", ctypes.addressof(text), 0, 0), 16)
        fd = libc.syscall(NR_BPF, BPF_OBJ_GET, attr, 16)
        if fd < 0:
            print(path, "cannot be opened", os.strerror(ctypes.get_errno()))
            continue
        with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as f:
            ids = re.findall(r"^((?:map|prog|link)_id):\t(\d+)$", f.read(), flags=re.M)
        print(os.path.relpath(path, sys.argv[1]), *(f"{k}={v}" for k, v in ids))
        os.close(fd)
