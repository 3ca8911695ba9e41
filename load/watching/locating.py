"""Which processes of this host are the server at a URL: those that listen at its port.

They are found through /proc, without special rights: first the listening socket in the table of the kernel,
then the processes that hold it open. If they belong to another user, the server itself is asked at /about.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from load.watching.metrics import told_pids
from load.watching.process_trees import SamplingError, TreeWatch
from sioprobe.engine import SwarmError, Target
from sioprobe.host.listening import holders_of, is_this_host, listening_inodes, roots, sockets_of_host
from sioprobe.host.processes import descendants, descriptor_targets

__all__ = ["AUTO", "NONE", "Located", "locate", "parse_server_pids", "partners"]

AUTO, NONE = "auto", "none"

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
    inodes = next(filter(None, (listening_inodes(host, port) for host in ours)), set())
    if not inodes:
        return _One(reason=f"no process in this network namespace listens at port {port}")
    holders, denied = holders_of(inodes)
    if holders:
        return _One(roots(holders), port)
    if denied:
        # The word of the server counts only if the system does not let us look.
        told = [pid for pid in told_pids(url) if psutil.pid_exists(pid)]
        if told:
            return _One(tuple(told))
        return _One(reason=f"the process that listens at port {port} belongs to another user")
    return _One(reason=f"the process that listens at port {port} is not visible from here")


def partners(pids: Iterable[int]) -> tuple[int, ...]:
    """The processes of this host that work for the server: its own processes are connected to them.

    They are its queue, its database, or the servers behind a proxy. Those of other users are not seen.
    """
    server = descendants(*pids)
    held: set[str] = set()
    for pid in server:
        with contextlib.suppress(PermissionError):
            held.update(descriptor_targets(pid))
    sockets = list(sockets_of_host())
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
        holders, _ = holders_of(listening)
    except OSError:
        return ()
    return tuple(pid for pid in roots(holders - server) if pid not in _ourselves())


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
