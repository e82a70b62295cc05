#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""The library from Python, with nothing but ctypes: what would a policy say?

    explain.py POLICY.yaml SUBJECT PEER PORT

SUBJECT and PEER are labels, "app=api,io.kubernetes.pod.namespace=demo"; the question is about TCP and ingress.
LIBEBPFNET names the library when it is not where the loader looks.
"""
import ctypes
import os
import sys

EBPFNET_INGRESS = 1
VERDICTS = ["deny", "allow", "redirect", "audit", "auth", "pass"]


class Query(ctypes.Structure):
    """struct ebpfnet_policy_query; plain members in the order of the header, so ctypes pads as C does."""
    _fields_ = [("sz", ctypes.c_size_t), ("direction", ctypes.c_int), ("protocol", ctypes.c_uint8),
                ("code", ctypes.c_uint8), ("port", ctypes.c_uint16), ("subject", ctypes.c_void_p),
                ("peer", ctypes.c_void_p), ("peer_addr", ctypes.c_void_p), ("peer_names", ctypes.c_void_p),
                ("n_peer_names", ctypes.c_size_t)]


class Answer(ctypes.Structure):
    """struct ebpfnet_policy_answer."""
    _fields_ = [("verdict", ctypes.c_int), ("rule", ctypes.c_uint32), ("proxy_port", ctypes.c_uint16),
                ("reserved", ctypes.c_uint16 * 3), ("name", ctypes.c_char * 528)]


class ParseOpts(ctypes.Structure):
    """struct ebpfnet_policy_parse_opts."""
    _fields_ = [("sz", ctypes.c_size_t), ("path", ctypes.c_char_p), ("first_line", ctypes.c_uint),
                ("reserved", ctypes.c_uint), ("diag", ctypes.c_void_p)]


class EbpfnetError(OSError):
    """A negative errno, with the diagnostics' text."""


class Library:
    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        self.lib.ebpfnet_version.restype = ctypes.c_char_p
        self.diag = ctypes.c_void_p()
        self.ctx = ctypes.c_void_p()
        self.call("ebpfnet_diag_new", ctypes.byref(self.diag))
        self.call("ebpfnet_ctx_new", None, ctypes.byref(self.ctx))

    def call(self, name, *args):
        """A function that returns a count or a negative errno."""
        ret = getattr(self.lib, name)(*args)
        if ret < 0:
            text = ctypes.create_string_buffer(4096)
            if self.diag:
                self.lib.ebpfnet_diag_format(self.diag, text, ctypes.c_size_t(len(text)))
            raise EbpfnetError(-ret, text.value.decode().strip() or os.strerror(-ret))
        return ret

    def labels(self, text):
        ret = ctypes.c_void_p()
        self.call("ebpfnet_labels_parse", text.encode(), b"k8s", self.diag, ctypes.byref(ret))
        return ret

    def policy_set(self, path):
        ret = ctypes.c_void_p()
        self.call("ebpfnet_policy_set_new", self.ctx, ctypes.byref(ret))
        with open(path, "rb") as file:
            text = file.read()
        opts = ParseOpts(sz=ctypes.sizeof(ParseOpts), path=path.encode(), diag=self.diag)
        self.call("ebpfnet_policy_set_parse", ret, text, ctypes.c_size_t(len(text)), ctypes.byref(opts))
        return ret

    def explain(self, policies, subject, peer, port):
        query = Query(sz=ctypes.sizeof(Query), direction=EBPFNET_INGRESS, protocol=6, port=port, subject=subject,
                      peer=peer)
        answer = Answer()
        self.call("ebpfnet_policy_explain", policies, ctypes.byref(query), ctypes.byref(answer))
        return VERDICTS[answer.verdict], answer.name.decode()


def main():
    if len(sys.argv) != 5 or not sys.argv[4].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    lib = Library(os.environ.get("LIBEBPFNET", "libebpfnet.so.0"))
    try:
        policies = lib.policy_set(sys.argv[1])
        subject, peer = lib.labels(sys.argv[2]), lib.labels(sys.argv[3])
        verdict, name = lib.explain(policies, subject, peer, int(sys.argv[4]))
    except EbpfnetError as error:
        print(f"explain: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{verdict}: {name}")
    lib.lib.ebpfnet_labels_unref(subject)
    lib.lib.ebpfnet_labels_unref(peer)
    lib.lib.ebpfnet_policy_set_free(policies)
    lib.lib.ebpfnet_ctx_unref(lib.ctx)
    lib.lib.ebpfnet_diag_free(lib.diag)
    return 0


if __name__ == "__main__":
    sys.exit(main())
