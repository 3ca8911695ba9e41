"""What Linux says about a server: the backlog of its listener, and how many files it may open."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from load.watching.proc import descendants, open_files, open_files_allowed

__all__ = ["Files", "least_files_left", "listen_backlog", "open_files_limit"]

# <linux/netlink.h>, <linux/sock_diag.h>, <linux/inet_diag.h>
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST_DUMP = 0x301
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_LISTEN_STATE = 1 << 10
_HEAD = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI")
_SOCKET_ID = struct.Struct("!HH16s16s")
# After its beginning a message has: expires, receive queue, send queue (of a listener: the backlog).
_QUEUES = struct.Struct("=III")
_QUEUES_AT = _HEAD.size + 4 + 48


def listen_backlog(port: int) -> int | None:
    """The smallest backlog of the listeners at this port of this host, or None."""
    if not hasattr(socket, "AF_NETLINK"):
        return None
    found: list[int] = []
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            found += _backlogs(family, port)
        except OSError:
            continue
    return min(found, default=None)


def _backlogs(family: int, port: int) -> list[int]:
    body = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, _LISTEN_STATE)
    body += _SOCKET_ID.pack(port, 0, bytes(16), bytes(16)) + bytes(12)
    request = _HEAD.pack(_HEAD.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST_DUMP, 1, 0) + body
    found: list[int] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as link:
        link.settimeout(2.0)
        link.send(request)
        while True:
            data = link.recv(65536)
            while len(data) >= _HEAD.size:
                length, kind, *_ = _HEAD.unpack_from(data)
                if kind in (_NLMSG_DONE, _NLMSG_ERROR) or length < _HEAD.size:
                    return found
                if _SOCKET_ID.unpack_from(data, _HEAD.size + 4)[0] == port:
                    found.append(_QUEUES.unpack_from(data, _QUEUES_AT)[2])
                data = data[(length + 3) & ~3 :]


@dataclass(frozen=True, slots=True)
class Files:
    """The open files of one process, and how many it may open."""

    opened: int
    limit: int


def least_files_left(pids: Iterable[int]) -> Files | None:
    """The files of that process or descendant which may open the fewest more, or None."""
    found = []
    for pid in descendants(*pids):
        limit, opened = open_files_allowed(pid), open_files(pid)
        if limit is not None and opened is not None:
            found.append(Files(opened, limit))
    return min(found, key=lambda files: files.limit - files.opened, default=None)


def open_files_limit(pids: Iterable[int]) -> int | None:
    """The smallest soft limit of open files of the processes and their descendants, or None."""
    limits = (open_files_allowed(pid) for pid in descendants(*pids))
    return min((limit for limit in limits if limit is not None), default=None)
