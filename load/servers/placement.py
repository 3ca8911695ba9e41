"""Which server each user of a swarm connects to, and from which local address.

A user keeps its server through every reconnection. All workers together spread the users evenly over the
servers. Each worker does too, so that a room of one worker has members on each server.
"""

from __future__ import annotations

import ipaddress
import math
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count

from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.commandline.server_url import problem_with_url
from sioprobe.engine import Target
from sioprobe.engine.first_visit import problem_with
from sioprobe.wire import OpenData

__all__ = [
    "Placement",
    "PlacementError",
    "check_addresses",
    "parse_addresses",
    "parse_urls",
    "problem_with_server",
    "server_index",
]

MOST_ADDRESSES = 1024


class PlacementError(ValueError):
    """An address that cannot be used. The line names it."""


def server_index(user: int, servers: int, worker: int = 0, workers: int = 1) -> int:
    """Which of `servers` the `user`-th user of a worker goes to; all count from 0.

    Locust gives users to workers in turn, so this is user number `user * workers + worker` of the swarm.
    That number modulo `servers` spreads all users evenly, but with two workers and two servers each worker
    would know one server only. So the count moves on by one when the turns of workers and servers meet.
    """
    number = user * workers + worker
    met = number // math.lcm(workers, servers) if math.gcd(workers, servers) > 1 else 0
    return (number + met) % servers


class Placement:
    """Gives each user of this process its target."""

    def __init__(
        self, targets: Sequence[Target], addresses: Sequence[str] = (), worker: int = 0, workers: int = 1
    ) -> None:
        several = len(targets) > 1
        self._targets = [replace(target, label=target.url) if several else target for target in targets]
        self._addresses = list(addresses)
        self._worker, self._workers = max(worker, 0), max(workers, 1)
        self._users = count()

    def next(self) -> Target:
        """The target of the next user."""
        user = next(self._users)
        servers = len(self._targets)
        target = self._targets[server_index(user, servers, self._worker, self._workers)]
        if not self._addresses:
            return target
        # The address changes when each server had its turn, so that every pair of them comes up.
        return replace(target, source=self._addresses[user // servers % len(self._addresses)])


def parse_urls(host: str, others: str) -> list[str]:
    """The URLs of `--host` and `--urls`, each once."""
    urls = [url.strip().rstrip("/") for url in [host, *others.split(",")] if url.strip()]
    return list(dict.fromkeys(urls))


def problem_with_server(
    url: str,
    *,
    transport: str,
    namespace: str,
    connection: ConnectionOptions,
    learned: Callable[[OpenData], None] | None = None,
    refused: bool = False,
) -> str | None:
    """One line that says why this server cannot be loaded, or None. Blocks for a connection to it.

    See `sioprobe.engine.first_visit.problem_with`, for `refused` too. The line holds no secret. If each user
    shows something of its own, this visit shows what the first does.
    """
    first = connection.of_user(0)
    return problem_with_url(url) or problem_with(
        url,
        transport=transport,
        namespace=namespace,
        path=connection.path,
        how=first.target_arguments(),
        auth=first.auth,
        redact=connection.redact,
        refused=refused,
        learned=learned,
    )


def parse_addresses(text: str) -> list[str]:
    """The addresses of `127.0.0.1-127.0.0.8` or `10.0.0.5,10.0.0.6`. Raises PlacementError."""
    addresses: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, dash, last = (word.strip() for word in part.partition("-"))
        low, high = _address(first), _address(last if dash else first)
        if not 0 <= int(high) - int(low) < MOST_ADDRESSES:
            raise PlacementError(f"{part} is not a range of at most {MOST_ADDRESSES} addresses, lowest first")
        addresses += [str(ipaddress.IPv4Address(number)) for number in range(int(low), int(high) + 1)]
    return list(dict.fromkeys(addresses))


def _address(text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise PlacementError(
            f"{text!r} is not an IPv4 address; write 127.0.0.1-127.0.0.8 or 10.0.0.5,10.0.0.6"
        ) from None


def check_addresses(addresses: Sequence[str]) -> None:
    """Raises PlacementError for the first that is not an address of this machine."""
    for address in addresses:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((address, 0))
            except OSError as error:
                raise PlacementError(
                    f"source address {address} is not one of this machine ({error.strerror})"
                ) from None
