"""Which processes of this host listen at a port, found through /proc and without special rights.

First the listening socket in the table of the kernel, then the processes that hold it open.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sioprobe.host.processes import descendants, descriptor_targets

__all__ = ["Socket", "holders_of", "is_this_host", "listening_inodes", "roots", "sockets_of_host"]

LISTEN = "0A"


class Socket(NamedTuple):
    """A TCP socket of this network namespace. Addresses are those of the kernel's table, in hexadecimal."""

    family: socket.AddressFamily
    address: str
    port: int
    remote_address: str
    remote_port: int
    listens: bool
    inode: str

    @property
    def any_address(self) -> bool:
        """Whether it listens at every address."""
        return not self.address.strip("0")


def sockets_of_host() -> Iterator[Socket]:
    """The TCP sockets of this network namespace."""
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        try:
            lines = Path("/proc/net", name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            (address, port), (remote, remote_port) = (each.split(":") for each in fields[1:3])
            yield Socket(
                family, address, int(port, 16), remote, int(remote_port, 16), fields[3] == LISTEN, fields[9]
            )


def listening_inodes(host: str, port: int) -> set[str]:
    """The inodes of the sockets that listen at the port, on this address or on all."""
    exact, any_address = set(), set()
    for each in sockets_of_host():
        if not each.listens or each.port != port:
            continue
        if each.any_address:
            any_address.add(each.inode)
        elif _address(each.family, each.address) in (host, f"::ffff:{host}"):
            exact.add(each.inode)
    return exact or any_address


def _address(family: int, text: str) -> str:
    """An address from /proc/net/tcp: words of four bytes in the byte order of the machine."""
    words = (int(text[start : start + 8], 16) for start in range(0, len(text), 8))
    return socket.inet_ntop(family, b"".join(word.to_bytes(4, sys.byteorder) for word in words))


def holders_of(inodes: set[str]) -> tuple[set[int], bool]:
    """The processes that hold one of the sockets open, and whether we may not look into some."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    holders: set[int] = set()
    denied = False
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if any(target in wanted for target in descriptor_targets(int(name))):
                holders.add(int(name))
        except PermissionError:
            denied = True
    return holders, denied


def roots(holders: set[int]) -> tuple[int, ...]:
    """The holders that no other holder started, such as the master of a server with workers."""
    below = {pid for holder in holders for pid in descendants(holder) - {holder}}
    return tuple(sorted(holders - below))


def is_this_host(host: str) -> bool:
    """Whether an address belongs to this machine: one can bind to it."""
    if ipaddress.ip_address(host.partition("%")[0]).is_loopback:
        return True
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True
