# SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
"""Answers who asked: "ADDRESS PORT" to each line of TCP and each datagram of UDP, both families. Argument: the port."""
import selectors
import socket
import sys

sel = selectors.DefaultSelector()


def text(peer):
    return f"{peer[0].removeprefix('::ffff:')} {peer[1]}\n".encode()


def accept(s):
    c, _ = s.accept()
    c.setblocking(False)
    sel.register(c, selectors.EVENT_READ, answer)


def answer(c):
    try:
        got = c.recv(65536)
        if got:
            # a line that asks for much gets it
            c.setblocking(True)
            c.sendall(b"x" * int(got[4:]) if got.startswith(b"much") else text(c.getpeername()))
            c.setblocking(False)
            return
    except (OSError, ValueError):
        pass
    sel.unregister(c)
    c.close()


def datagram(s):
    got, ancillary, _, peer = s.recvmsg(65536, 256)
    # as long as the question, and from the address that was asked
    s.sendmsg([text(peer).ljust(len(got))], ancillary, 0, peer)


port = int(sys.argv[1])
tcp = socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128)
tcp.setblocking(False)
sel.register(tcp, selectors.EVENT_READ, accept)
udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
udp.bind(("", port))
sel.register(udp, selectors.EVENT_READ, datagram)
while True:
    for key, _ in sel.select():
        key.data(key.fileobj)
