"""Several hosts on one machine: a network namespace each, with an address of its own, joined by a bridge.

Namespaces are held by processes that end with this one, so that nothing is left whatever happens. Where the
machine does not allow making them, hosts are separate loopback addresses; `Hosts.kind` tells which it was.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Host:
    """One host: its address, and what stands in front of a command that runs on it."""

    address: str
    prefix: tuple[str, ...] = ()

    def command(self, *words: str) -> list[str]:
        """The command that runs these words on the host."""
        return [*self.prefix, *words]


@dataclass(frozen=True, slots=True)
class Hosts:
    """`kind` is "network namespaces" or "loopback addresses"."""

    kind: str
    hosts: tuple[Host, ...]


@contextlib.contextmanager
def some_hosts(count: int) -> Iterator[Hosts]:
    """So many hosts that reach each other."""
    with contextlib.ExitStack() as stack:
        try:
            hosts = _namespaces(stack, count)
        except (OSError, subprocess.SubprocessError) as error:
            detail = getattr(error, "stderr", None) or error
            print(f"no network namespaces here: {detail!s}".strip())
            yield Hosts(
                "loopback addresses", tuple(Host(f"127.0.0.{10 + number}") for number in range(count))
            )
        else:
            print(f"{count} network namespaces")
            yield Hosts("network namespaces", hosts)


def _namespaces(stack: contextlib.ExitStack, count: int) -> tuple[Host, ...]:
    switch = _enter(_holder(stack))
    _run(switch, "ip link add br0 type bridge")
    _run(switch, "ip link set br0 up")
    hosts = []
    for number in range(1, count + 1):
        pid = _holder(stack)
        enter, address = _enter(pid), f"10.77.0.{number}"
        _run(switch, f"ip link add port{number} type veth peer name eth0 netns {pid}")
        _run(switch, f"ip link set port{number} master br0 up")
        _run(enter, "ip link set lo up")
        _run(enter, f"ip addr add {address}/24 dev eth0")
        _run(enter, "ip link set eth0 up")
        hosts.append(Host(address, tuple(enter)))
    return tuple(hosts)


def _holder(stack: contextlib.ExitStack) -> int:
    """A process with a network namespace of its own, which reads a pipe of ours until that is closed."""
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo; exec cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    stack.enter_context(holder)
    stack.callback(holder.kill)
    assert holder.stdout is not None
    assert holder.stderr is not None
    if not holder.stdout.readline():
        raise OSError(holder.stderr.read().strip())
    return holder.pid


def _enter(pid: int) -> Sequence[str]:
    return ("nsenter", f"--net=/proc/{pid}/ns/net")


def _run(prefix: Sequence[str], command: str) -> None:
    subprocess.run([*prefix, *command.split()], check=True, capture_output=True, text=True)
