"""What a proxy stands before, and what each module says of its proxy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

STICKY = ("cookie", "address", "none")
"""What keeps a client at its worker: a cookie of the proxy, the client's address, or nothing."""
COOKIE = "sioroute"


@dataclass(frozen=True, slots=True)
class Site:
    """The proxy's address, and the workers behind it (`127.0.0.1:5001`)."""

    host: str
    port: int
    workers: tuple[str, ...]
    sticky: str = STICKY[0]
    silence: int = 60
    """Seconds for which a session may be silent: longer than pingInterval and pingTimeout together."""
    max_payload: int = 1_000_000
    """Bytes of the largest POST."""
    moves_on: bool = True
    """Whether clients of a worker that died go to another one. Only `ci/proxies` asks for the other."""

    def at(self, port: int) -> Site:
        """The same at another port."""
        return replace(self, port=port)

    @property
    def named(self) -> list[tuple[str, str]]:
        """The workers with a name for each: `("worker1", "127.0.0.1:5001")`."""
        return [(f"worker{number}", worker) for number, worker in enumerate(self.workers, start=1)]


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy: its program, and its configuration for a site."""

    name: str
    title: str
    wheel: str
    """The package that brings the program where PATH has none, with its version."""
    inside: str
    """Where the unpacked package has the program, as a pattern."""
    file: str
    """The name of the file with `configuration`."""
    configuration: Callable[[Site], str]
    """What users copy."""
    words: tuple[str, ...]
    """What follows the program on its command line. `{folder}` is the folder of the files."""
    frame: Callable[[Site], dict[str, str]] = lambda site: {}
    """The other files that it takes here, by name. `{folder}` is their folder."""
    environment: Mapping[str, str] = field(default_factory=dict)
    version: str = "--version"
    """The word that prints its version."""
    cannot: Mapping[str, str] = field(default_factory=dict)
    """Why it cannot keep clients at their workers in one of the ways."""

    def works_with(self, sticky: str) -> str | None:
        """Why it cannot keep clients at their workers in this way. None if it can."""
        return self.cannot.get(sticky)


def block(*lines: str | None) -> str:
    """The lines that are there, as one text."""
    return "".join(f"{line}\n" for line in lines if line is not None)
