"""Counts what two servers do for one message, each on one connection, one message at a time.

Three windows of 300 messages, or of as many tasks of a locustfile as are played in some seconds; every window
plays the same. The smallest window of a count is the count, because timers and garbage collections only add;
the largest says how exact it is. Each side runs twice: once with its calls counted,
and once without, for allocations, system calls and bytes, which the counting of calls would change.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from load.counting.reading import CallCounts, read_mallocs, short_place
from load.counting.relay import Relay
from load.counting.system_calls import SystemCalls, why_not
from load.side_by_side.asking import LifeRequest, Side
from load.side_by_side.life import running
from load.side_by_side.playing import Playing
from load.side_by_side.priority import Priority
from load.side_by_side.starting import RunningServer
from sioprobe.harness import user_environment

__all__ = ["count_sides"]

INSERTED = Path(__file__).with_name("inserted")
WINDOWS, MESSAGES, WARMUP = 3, 300, 100
FIRST_TASKS, WINDOW_SECONDS = 10, 2.0
"""A window of tasks is shorter where so many of them show that it would take longer."""
CALLS, REST = " (calls)", " (rest)"


@dataclass(slots=True)
class _Probe:
    """What is read of one run of one side: names of counts, and a reading of them all."""

    names: list[str]
    read: Callable[[], list[int]]
    close: Callable[[], None] = lambda: None
    functions: Callable[[], Counter[tuple[str, str]]] | None = None


def count_sides(request: LifeRequest) -> dict[str, Any]:
    """For each side its counts per message and those of each function, as ranges. Raises LifeError."""
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="sioprobe-counts-") as name:
        folder = Path(name)
        mallocs = _malloc_library(notes)
        sides: list[Side] = []
        for number, side in enumerate(request.sides):
            sides += [
                _with_calls(side, folder / str(number)),
                _with_mallocs(side, folder / f"{number}.mallocs", mallocs),
            ]
        doubled = replace(request, sides=tuple(sides), connections=1)
        relays: list[Relay] = []

        def relayed(server: RunningServer) -> None:
            if server.side.name.endswith(REST):
                parts = urlsplit(server.url)
                relays.append(Relay(parts.hostname or "127.0.0.1", parts.port or 80))
                server.url = relays[-1].url

        try:
            with running(doubled, random.Random(request.seed), when_ready=relayed) as (servers, players):
                messages = _window(players) if request.locustfile is not None else MESSAGES
                found = []
                for number, side in enumerate(request.sides):
                    place = 2 * number
                    calls = _call_probe(folder / str(number), side, notes)
                    rest = _rest_probe(
                        servers[place + 1],
                        players[place + 1],
                        relays[number],
                        folder / f"{number}.mallocs",
                        mallocs,
                        notes,
                    )
                    counts: dict[str, list[float]] = {}
                    functions: dict[tuple[str, str], list[float]] = {}
                    for offset, probe in enumerate((calls, rest)):
                        one, other = _count(servers[place + offset], players[place + offset], probe, messages)
                        counts |= one
                        functions |= other
                    found.append(
                        {
                            "name": side.name,
                            "counts": counts,
                            "functions": [[*key, *ends] for key, ends in sorted(functions.items())],
                        }
                    )
                for player in players:
                    player.finish(players[0])
                if not players[0].repeated(WINDOWS):
                    notes.append("the windows played different tasks, so their counts differ")
        finally:
            for relay in relays:
                relay.close()
    return {"messages": messages, "sides": found, "notes": list(dict.fromkeys(notes))}


def _window(players: list[Playing]) -> int:
    """How many tasks a window has on every side: as many as the slowest plays in time."""
    seconds = max([player.play(FIRST_TASKS)[0] for player in players]) / 1e9 / FIRST_TASKS
    return max(FIRST_TASKS, min(MESSAGES, int(WINDOW_SECONDS / seconds)))


def _with_calls(side: Side, folder: Path) -> Side:
    folder.mkdir()
    path = side.environment.get("PYTHONPATH", user_environment().get("PYTHONPATH", ""))
    return replace(
        side,
        name=side.name + CALLS,
        environment={
            **side.environment,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(INSERTED), path))),
            "SIOPROBE_COUNT_CALLS": str(folder),
            # Sets, and so the order of what is done, are the same in each run.
            "PYTHONHASHSEED": "0",
        },
    )


def _with_mallocs(side: Side, counts: Path, library: Path | None) -> Side:
    environment = {**side.environment, "PYTHONHASHSEED": "0"}
    if library is not None:
        counts.write_bytes(bytes(4096))
        environment |= {
            "LD_PRELOAD": str(library),
            "PYTHONMALLOC": "malloc",
            "SIOPROBE_COUNT_MALLOCS": str(counts),
        }
    return replace(side, name=side.name + REST, environment=environment)


def _malloc_library(notes: list[str]) -> Path | None:
    """The preloaded library, compiled when first needed and kept."""
    source = INSERTED / "mallocs.c"
    mark = hashlib.sha256(source.read_bytes() + os.uname().machine.encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    target = cache / "sioprobe" / "counting" / mark / "mallocs.so"
    if target.exists():
        return target
    compiler = (os.environ.get("CC") or "cc").split()
    if shutil.which(compiler[0]) is None:
        notes.append("allocations are not counted: there is no C compiler")
        return None
    beside = target.with_name(f"mallocs.so.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [*compiler, "-O2", "-shared", "-fPIC", str(source), "-o", str(beside)],
            check=True,
            capture_output=True,
            timeout=60,
        )
        beside.replace(target)
    except (OSError, subprocess.SubprocessError) as error:
        notes.append(f"allocations are not counted: {compiler[0]} failed ({type(error).__name__})")
        return None
    return target


def _call_probe(folder: Path, side: Side, notes: list[str]) -> _Probe:
    counts = CallCounts(folder)
    way = counts.way()
    if way is None:
        notes.append(f"{side.name}: no Python process was found, so calls are not counted")
        return _Probe([], list)
    notes.append(f"calls are counted by {way}")
    names = ["Python calls", "C calls", "bytecodes"][: 2 if way == "sys.setprofile" else 3]

    def functions() -> Counter[tuple[str, str]]:
        short: Counter[tuple[str, str]] = Counter()
        for (name, place), count in counts.read()[1].items():
            short[name, short_place(place, side.folder)] += count
        return short

    return _Probe(names, lambda: counts.read()[0][: len(names)], functions=functions)


def _rest_probe(
    server: RunningServer,
    players: Playing,
    relay: Relay,
    mallocs: Path,
    library: Path | None,
    notes: list[str],
) -> _Probe:
    names = ["packets from the server", "bytes from the server"]
    reads: list[Callable[[], list[int]]] = [lambda: [players.packets, relay.bytes]]
    close: Callable[[], None] = lambda: None  # noqa: E731
    if library is not None:
        names += ["mallocs", "malloc bytes"]
        reads.append(lambda: read_mallocs(mallocs))
    problem = why_not()
    if problem is None:
        try:
            calls = SystemCalls(server.pid)
        except OSError as error:
            problem = f"system calls are not counted: {error.strerror or error}"
        else:
            names.append("system calls")
            reads.append(lambda: [calls.read()])
            close = calls.close
    if problem is not None:
        notes.append(problem)
    return _Probe(names, lambda: [number for read in reads for number in read()], close)


def _count(
    server: RunningServer, players: Playing, probe: _Probe, messages: int
) -> tuple[dict[str, list[float]], dict[tuple[str, str], list[float]]]:
    """The range over the windows of each count, and of the calls of each function, per message."""
    server.settle_on(None, Priority.AS_OTHERS)
    try:
        players.play(min(WARMUP, messages))
        windows: list[list[int]] = []
        function_windows: list[Counter[tuple[str, str]]] = []
        server.silent_cpu_ns()
        for _ in range(WINDOWS):
            before = probe.read()
            functions_before = probe.functions() if probe.functions else Counter[tuple[str, str]]()
            players.play(messages)
            server.silent_cpu_ns()
            windows.append([after - start for after, start in zip(probe.read(), before, strict=True)])
            if probe.functions:
                function_windows.append(probe.functions() - functions_before)
    finally:
        probe.close()
    counts = {
        name: _range([window[place] for window in windows], messages)
        for place, name in enumerate(probe.names)
    }
    keys = set[tuple[str, str]]().union(*function_windows)
    return counts, {key: _range([window[key] for window in function_windows], messages) for key in keys}


def _range(windows: list[int], messages: int) -> list[float]:
    """The smallest and the largest window, per message."""
    return [min(windows) / messages, max(windows) / messages]
