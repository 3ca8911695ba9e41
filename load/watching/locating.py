"""Which processes of this host are the server at a URL: those that listen at its port.

They are found through /proc, without special rights: first the listening socket in the table of the kernel,
then the processes that hold it open. If they belong to another user, the server itself is asked at /about.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

from load.watching.metrics import told_pids
from load.watching.proc import descendants, descriptor_targets
from load.watching.process_trees import SamplingError, TreeWatch
from sioprobe.engine import SwarmError, Target

__all__ = ["AUTO", "NONE", "Located", "is_this_host", "locate", "parse_server_pids", "partners"]

AUTO, NONE = "auto", "none"
_LISTEN = "0A"

SERVER_PID_HELP = (
    "Process of the server to watch with its children, repeatable. auto, the default, finds the process that"
    " listens at the server's port on this host; none watches nothing"
)
"""Of `--server-pid`, wherever it is an option."""


@dataclass(frozen=True, slots=True)
class Located:
    """`pids` are the roots of the server's process trees. If there are none, `reason` says why."""

    pids: tuple[int, ...] = ()
    how: str = ""
    reason: str = ""

    def watch(self) -> TreeWatch:
        """Watch these processes from now on. SamplingError says why they are not seen."""
        if not self.pids:
            raise SamplingError(self.reason)
        return TreeWatch(self.pids)


def parse_server_pids(values: Iterable[str]) -> str | tuple[int, ...]:
    """The meaning of `--server-pid`: AUTO, NONE, or process ids. ValueError names the wrong value."""
    values = tuple(values)
    if not values or values == (AUTO,):
        return AUTO
    if values == (NONE,):
        return NONE
    for value in values:
        if not value.isdigit() or not int(value):
            raise ValueError(f"--server-pid {value!r} is no process id (valid are a number, auto and none)")
        # A larger number than the system call accepts is no process either.
        if int(value) >= 2**31 or not psutil.pid_exists(int(value)):
            raise ValueError(f"--server-pid {value}: there is no such process on this host")
    return tuple(dict.fromkeys(map(int, values)))


def locate(urls: Sequence[str], asked: str | tuple[int, ...] = AUTO) -> Located:
    """The processes of the servers at some URLs.

    `asked` names processes, AUTO or NONE. AUTO means the processes that listen, or if they belong to another
    user, those that the server names. Blocks for name resolution and at most one HTTP request to each URL.
    """
    if asked == NONE:
        return Located(reason="--server-pid none")
    if isinstance(asked, tuple):
        return _without_ourselves(asked, "--server-pid") if asked else Located(reason="no process was named")
    if not urls:
        return Located(reason="no server was named")
    if not Path("/proc/net/tcp").exists():
        return Located(reason="this system has no /proc/net/tcp, so the server must be named by --server-pid")
    pids: list[int] = []
    ports: list[str] = []
    tellers: list[str] = []
    for url in urls:
        try:
            found = _locate_one(url)
        except OSError as error:
            return Located(reason=f"the processes of this host cannot be read: {error.strerror or error}")
        if found.reason:
            return Located(reason=found.reason)
        pids += found.pids
        ports += [f"port {found.port}"] if found.port is not None else []
        tellers += [f"{url}/about"] if found.port is None else []
    hows = [f"listens at {' and '.join(dict.fromkeys(ports))}"] if ports else []
    hows += [f"as {' and '.join(dict.fromkeys(tellers))} says"] if tellers else []
    return _without_ourselves(tuple(dict.fromkeys(pids)), ", and ".join(hows))


@dataclass(frozen=True, slots=True)
class _One:
    """The processes of one URL. They listen at `port`; it is None if the server itself named them."""

    pids: tuple[int, ...] = ()
    port: int | None = None
    reason: str = ""


def _locate_one(url: str) -> _One:
    try:
        target = Target.from_url(url)
    except SwarmError as error:
        return _One(reason=str(error))
    port = int(target.address[1])
    hosts = [str(address[0]) for address in (target.address, *(other for _, other in target.others))]
    ours = [host for host in hosts if is_this_host(host)]
    if not ours:
        return _One(reason=f"the server is on another host ({hosts[0]})")
    # Connections go to the first address at which somebody listens.
    inodes = next(filter(None, (_listening_inodes(host, port) for host in ours)), set())
    if not inodes:
        return _One(reason=f"no process in this network namespace listens at port {port}")
    holders, denied = _holders(inodes)
    if holders:
        return _One(_roots(holders), port)
    if denied:
        # The word of the server counts only if the system does not let us look.
        told = [pid for pid in told_pids(url) if psutil.pid_exists(pid)]
        if told:
            return _One(tuple(told))
        return _One(reason=f"the process that listens at port {port} belongs to another user")
    return _One(reason=f"the process that listens at port {port} is not visible from here")


def is_this_host(host: str) -> bool:
    """Whether an address belongs to this machine."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if address.is_loopback:
        return True
    ours = {found.address.partition("%")[0] for each in psutil.net_if_addrs().values() for found in each}
    return str(address) in ours


def partners(pids: Iterable[int]) -> tuple[int, ...]:
    """Who works for the server: the processes of this host that its processes are connected to.

    They are its queue, its database, or the servers behind a proxy. Those of other users are not seen.
    """
    server = descendants(*pids)
    held: set[str] = set()
    for pid in server:
        with contextlib.suppress(PermissionError):
            held.update(descriptor_targets(pid))
    sockets = list(_sockets())
    ends = [each for each in sockets if f"socket:[{each.inode}]" in held]
    exact = {(each.remote_address, each.remote_port) for each in ends}
    # A connection within this host has the same address at both ends, unless one is 127.0.0.2 or so.
    within = {each.remote_port for each in ends if each.address == each.remote_address}
    listening = {
        each.inode
        for each in sockets
        if each.listens and ((each.address, each.port) in exact or (each.any_address and each.port in within))
    }
    if not listening:
        return ()
    try:
        holders, _ = _holders(listening)
    except OSError:
        return ()
    return tuple(pid for pid in _roots(holders - server) if pid not in _ourselves())


class _Socket(NamedTuple):
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


def _sockets() -> Iterator[_Socket]:
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        try:
            lines = Path("/proc/net", name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            (address, port), (remote, remote_port) = (each.split(":") for each in fields[1:3])
            yield _Socket(
                family, address, int(port, 16), remote, int(remote_port, 16), fields[3] == _LISTEN, fields[9]
            )


def _listening_inodes(host: str, port: int) -> set[str]:
    """The inodes of the sockets that listen at the port, on this address or on all."""
    exact, any_address = set(), set()
    for each in _sockets():
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


def _holders(inodes: set[str]) -> tuple[set[int], bool]:
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


def _roots(holders: set[int]) -> tuple[int, ...]:
    """The holders that no other holder started, such as the master of a server with workers."""
    below = {pid for holder in holders for pid in descendants(holder) - {holder}}
    return tuple(sorted(holders - below))


def _without_ourselves(pids: tuple[int, ...], how: str) -> Located:
    """Refuse a tree that contains this generator: it may be the whole system."""
    for pid in pids:
        if pid in _ourselves():
            return Located(
                reason=f"process {pid} is this generator or has started it, so the figures would be of both"
            )
    return Located(pids, how)


def _ourselves() -> set[int]:
    """This generator, and those that have started it."""
    return {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
