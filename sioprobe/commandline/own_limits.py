"""Limits of the machine that we run on: what ran out, and what raises the limit.

An error of the system on our own side says nothing about a server.
"""

from __future__ import annotations

import errno
import os
import resource
import socket

__all__ = [
    "FORBIDDEN",
    "FULL_FILE_TABLE",
    "NO_LOCAL_ADDRESS",
    "NO_LOCAL_PORT",
    "NO_MEMORY",
    "TOO_MANY_OPEN_FILES",
    "advice_on",
    "lacking_now",
    "own_limit",
]

TOO_MANY_OPEN_FILES = "too many open files"
FULL_FILE_TABLE = "too many open files on this machine"
NO_LOCAL_PORT = "no local port left"
NO_LOCAL_ADDRESS = "no local address or port"
NO_MEMORY = "no memory left on this machine"
FORBIDDEN = "forbidden by this machine"

_KINDS = {
    errno.EMFILE: TOO_MANY_OPEN_FILES,
    errno.ENFILE: FULL_FILE_TABLE,
    errno.EADDRNOTAVAIL: NO_LOCAL_PORT,
    errno.EADDRINUSE: NO_LOCAL_PORT,
    errno.ENOMEM: NO_MEMORY,
    errno.ENOBUFS: NO_MEMORY,
    errno.EACCES: FORBIDDEN,
    errno.EPERM: FORBIDDEN,
}
"""What the system says of a socket that we wanted to open. A server cannot cause any of them."""

_ADVICE = {
    FULL_FILE_TABLE: "raise fs.file-max (sysctl)",
    NO_LOCAL_PORT: "a wider net.ipv4.ip_local_port_range (sysctl) gives more, and so do --source-addresses"
    " and --urls of a load",
    NO_LOCAL_ADDRESS: "this machine has no IPv6 address, so it reaches no server at one: give one of IPv4",
    NO_MEMORY: "take fewer users, or a machine with more memory",
    FORBIDDEN: "a firewall or a sandbox of this machine does not allow the connection",
}


def own_limit(error: OSError) -> str | None:
    """The limit that this error shows, as the kind of a failure; None if it may be the doing of a server."""
    if error.errno == errno.EADDRNOTAVAIL and not _has_ipv6():
        return NO_LOCAL_ADDRESS
    return _KINDS.get(error.errno or 0)


def _has_ipv6() -> bool:
    """Whether this machine can be reached over IPv6, at least by itself."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        # Another limit would hide what is asked.
        return error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
    return True


def advice_on(kind: str) -> str | None:
    """What raises this limit, in a few words; None if the kind is no limit of ours."""
    if kind == TOO_MANY_OPEN_FILES:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        raised = "ulimit -n N" if soft != hard else "ulimit -Hn N as root"
        return (
            f"this process may open {soft} files, and this raises the limit before the start: {raised},"
            " LimitNOFILE=N (systemd), --ulimit nofile=N (Docker)"
        )
    return _ADVICE.get(kind)


def lacking_now() -> str | None:
    """The limit that keeps this process from opening a file at this moment, or None."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return own_limit(error)
    return None
