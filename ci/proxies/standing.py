"""Workers that stand, a proxy before them, and commands that kill and start a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from load.faults.cluster import Cluster
from load.faults.rounds import serve_command
from server_under_test.proxies.front import Front
from server_under_test.proxies.registry import PROXIES
from server_under_test.proxies.site import Site
from server_under_test.starting.children import stop_children
from server_under_test.starting.options import TRANSPORTS
from sioprobe.harness import harness_environment

STOP_SECONDS = 10.0


class Workers(Cluster):
    """Workers with a queue: their addresses, and what `serve --play` does to them."""

    @property
    def urls(self) -> list[str]:
        """One for each worker."""
        return list(self.about["worker_urls"])

    def number_of(self, pid: int) -> int:
        """The number of the worker that this process belongs to."""
        listed = self.tell("state")["workers"]
        return next(int(each["number"]) for each in listed if pid in each["pids"])


def workers(mode: str = "gevent") -> Workers:
    """Two workers of this mode: a context manager that ends them."""
    return Workers(serve_command(mode, "redis", 2, None), harness_environment())


@contextmanager
def front(
    name: str,
    urls: list[str],
    sticky: str,
    *,
    moves_on: bool = True,
    edit: Callable[[str], str] = str,
    transports: Sequence[str] = TRANSPORTS,
) -> Iterator[Front]:
    """The proxy before these workers. `edit` changes what it reads, so that `transports` work or do not."""
    site = Site("127.0.0.1", 0, tuple(url.removeprefix("http://") for url in urls), sticky, moves_on=moves_on)
    it = Front(PROXIES[name], site, transports)
    before = it.file.read_text("utf-8")
    after = edit(before)
    if edit is not str and after == before:
        raise ValueError(f"the configuration of {name} lacks the lines that were to be changed")
    it.file.write_text(after, "utf-8")
    running = it.start()
    try:
        yield it
    finally:
        stop_children(running.processes, STOP_SECONDS)
        it.close()
