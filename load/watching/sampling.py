"""Samples the process tree of the server once a second during a run under Locust.

It runs in the process where the figures come together: the only one, or the master.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import gevent

from load.watching.neighbours import NeighbourWatch, only_this_process
from load.watching.proc import process_name
from load.watching.process_trees import SamplingError, TreeSample, TreeWatch
from load.watching.server_state import ServerWatch
from sioprobe.measured.server_figures import server_figures
from sioprobe.results.loads import PartnerUsage, ServerFigures, ServerMoment, ServerRoot

__all__ = ["Counts", "ServerSampler"]

INTERVAL = 1.0
SHARE_SECONDS = 0.9
"""Samples that are closer to each other say nothing about a second."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What the generator has counted at one moment; None if it does not know yet.

    `connections` are those that the server has let in.
    """

    connections: int = 0
    operations: int | None = None
    messages: int | None = None


def _usage(sample: TreeSample) -> PartnerUsage:
    return PartnerUsage(
        cpu_seconds=sample.cpu_ns / 1e9, rss_bytes=sample.rss_bytes, processes=sample.processes
    )


class ServerSampler:
    """The samples of one run. `counts` is called with each sample.

    `exact` says that the counts are always up to date. Those of workers arrive seconds later; figures per
    message are then those of the whole run. `generators` is that of `NeighbourWatch`.
    """

    def __init__(
        self,
        server: ServerWatch,
        *,
        counts: Callable[[], Counts],
        exact: bool = True,
        generators: Callable[[], Collection[int] | None] = only_this_process,
    ) -> None:
        self._counts = counts
        self._exact = exact
        self._server = server
        self._watch = server.tree if server.tree.watches else None
        self._neighbours = NeighbourWatch(server.tree, generators)
        self._partners = {
            f"{pid} {process_name(pid)}".strip(): TreeWatch((pid,)) for pid in self._neighbours.partners
        }
        self._moments: list[ServerMoment] = []
        self._connected: int | None = None
        self._reset = 0
        self._started = time.monotonic()
        self._sampler: Any = None
        self._ended = False
        self._missed: list[str] = []
        """Why each sample that failed did so."""
        self.figures: ServerFigures | None = None
        self.unseen: str | None = None
        """Why there are no figures."""
        self._finished = False

    @property
    def sampling(self) -> bool:
        """Whether there is anything to sample."""
        return self._watch is not None

    def share(self) -> float | None:
        """The share of a core that the server used in the last second, or None."""
        if self._ended or not self._moments:
            return None
        last = self._moments[-1]
        for moment in reversed(self._moments):
            if last.at - moment.at >= SHARE_SECONDS:
                return (last.cpu_seconds - moment.cpu_seconds) / (last.at - moment.at)
        return None

    def start(self) -> None:
        """Take the first sample, before any connection, and then one each second."""
        if self._watch is not None:
            self._started = time.monotonic()
            self._sample()
            self._sampler = gevent.spawn(self._go_on)

    def _go_on(self) -> None:
        due = self._started
        while True:
            # On whole seconds, so that a late sample does not move the others.
            due += INTERVAL
            gevent.sleep(max(0.0, due - time.monotonic()))
            self._sample()

    def all_connected(self, *, reset: bool = False) -> None:
        """Note that all users have started. `reset` says that the counts begin anew now."""
        begun = self._watch is not None and self._moments and not self._finished
        if begun and self._sample() and not self._ended:
            self._connected = len(self._moments) - 1
            self._reset = self._connected if reset else 0

    def _sample(self) -> bool:
        """Take a sample, or note why there is none."""
        try:
            self._add(self._take())
        except SamplingError as error:
            self._missed.append(str(error))
            return False
        return True

    def _add(self, moment: ServerMoment) -> None:
        assert self._watch is not None
        if self._watch.alive:
            self._moments.append(moment)
        else:
            # The zeros of a server that is gone are not its figures.
            self._ended = True

    def _take(self, *, switches: bool = False) -> ServerMoment:
        assert self._watch is not None
        sample = self._watch.sample(switches=switches)
        counts = self._counts()
        return ServerMoment(
            at=sample.at - self._started,
            cpu_seconds=sample.cpu_ns / 1e9,
            rss_bytes=sample.rss_bytes,
            threads=sample.threads,
            fds=sample.fds,
            processes=sample.processes,
            context_switches=sample.context_switches,
            connections=counts.connections,
            operations=counts.operations,
            messages=counts.messages,
            neighbours_cpu_seconds=self._neighbours.take(sample.cpu_ns),
            partners={who: _usage(watch.sample()) for who, watch in self._partners.items()},
        )

    def hold(self) -> None:
        """Take the last sample under load: workers end their users before `finish`."""
        if self._sampler is not None:
            self._sampler.kill()
            self._sampler = None
            self._sample()

    def finish(self, *, everybody: bool = True) -> None:
        """Take the last sample, when all operations have ended. `everybody`: the server let all users in."""
        if self._finished:
            return
        self._finished = True
        self.hold()
        end: ServerMoment | None = None
        if self._watch is not None and self._moments:
            try:
                end = self._take(switches=True)
            except SamplingError as error:
                self._missed.append(str(error))
                # That before the run says nothing of the run.
                end = self._moments[-1] if len(self._moments) > 1 else None
        if self._watch is None or end is None:
            self.unseen = self._server.unseen or next(iter(self._missed), "the run did not begin")
            return
        if len(self._moments) == 1:
            self._add(end)
        if self._exact and self._connected is not None:
            first, window = self._connected, "all connected" if everybody else "all users started"
        else:
            first, window = self._reset, "from the reset of the counts" if self._reset else "whole run"
        ended = self._ended or not self._watch.alive
        self.figures = server_figures(
            self._moments,
            connected=self._connected,
            first=first,
            end=end,
            window=window,
            how=self._server.located.how,
            roots=[ServerRoot(pid, process_name(pid)) for pid in self._server.located.pids],
            notes=list(self._notes(ended)),
            most=self._neighbours.most(),
        )

    def _notes(self, ended: bool) -> Iterator[str]:
        if ended:
            yield "the server's processes ended during the run"
        if self._missed:
            looks = "one look" if len(self._missed) == 1 else f"{len(self._missed)} looks"
            yield f"{looks} at the server failed: {self._missed[-1]}"
