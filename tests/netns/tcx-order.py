#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Names of the programs on a tcx hook in their order: tcx-order.py IFINDEX in|out."""
import ctypes
import os
import struct
import sys

NR_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "s390x": 351}[os.uname().machine]
BPF_PROG_GET_FD_BY_ID, BPF_OBJ_GET_INFO_BY_FD, BPF_PROG_QUERY = 13, 15, 16
libc = ctypes.CDLL(None, use_errno=True)


def bpf(cmd, packed):
    attr = ctypes.create_string_buffer(packed, max(len(packed), 64))
    return libc.syscall(NR_BPF, cmd, attr, 64), attr.raw


ids = (ctypes.c_uint32 * 64)()
hook = 46 if sys.argv[2] == "in" else 47
# target, type, query flags, attach flags, ids, count
r, out = bpf(BPF_PROG_QUERY, struct.pack("=IIIIQI", int(sys.argv[1]), hook, 0, 0, ctypes.addressof(ids), 64))
if r < 0:
    sys.exit(os.strerror(ctypes.get_errno()))
for i in range(struct.unpack_from("=I", out, 24)[0]):
    fd, _ = bpf(BPF_PROG_GET_FD_BY_ID, struct.pack("=I", ids[i]))
    info = ctypes.create_string_buffer(232)
    bpf(BPF_OBJ_GET_INFO_BY_FD, struct.pack("=IIQ", fd, 232, ctypes.addressof(info)))
    print(info.raw[64:80].split(b"\0")[0].decode())
    os.close(fd)
