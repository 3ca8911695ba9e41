"""The half that judges: both sides asked every requirement, and what changed from base to head.

A requirement that the base keeps and the head breaks is asked once more, of both, before it counts: a busy
machine must not break a build. What was not judged in its part of the budget makes the answer inconclusive.
A known deviation that no longer occurs counts as well, for whoever wrote
it down wants to know.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ci.gate.children import sweep
from ci.gate.settings import Cell, GateError, Settings
from ci.gate.sides import BuiltSide
from load.servers.processes import ChildError, run_child
from load.side_by_side.asking import LifeError, Side
from load.side_by_side.starting import RunningServer
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import read_conformance
from sioprobe.results.gate import BrokenRequirement, Conformance

__all__ = ["judge_sides"]

JUDGED_AT_ONCE = 3
JUDGE_SECONDS = 200.0
START_SECONDS = 60.0
HEARTBEAT = ("--ping-interval", "1", "--ping-timeout", "3")
BROKEN = ("fail", "unexpected pass")
UNKNOWN = ("inconclusive", "hidden by the path", "harness error", "not judged")
AGAIN_SHARE = 0.1
"""Of the budget, to ask once more for what head breaks, whatever the first time has taken."""


class Late(GateError):
    """The time to judge was over."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was not judged in half of --budget; a longer one helps, or --no-conformance"
        )


def judge_sides(
    settings: Settings, sides: Sequence[BuiltSide], folder: Path, end: float
) -> list[Conformance]:
    """One entry for each async mode of the cells; one for an application. `end` is monotonic.

    The first server that cannot be judged ends it: GateError.
    """
    modes = list(dict.fromkeys(cell.mode for cell in settings.cells))
    pool = ThreadPoolExecutor(JUDGED_AT_ONCE)
    try:
        waiting = [
            [
                pool.submit(
                    _judge, settings, side, mode, folder / f"{name}-{mode or 'application'}.json", end
                )
                for name, side in zip(("base", "head"), sides, strict=True)
            ]
            for mode in modes
        ]
        for future in as_completed(future for pair in waiting for future in pair):
            if not isinstance(future.exception(), Late):
                future.result()
        found = []
        for mode, (base, head) in zip(modes, waiting, strict=True):
            try:
                found.append(_compare(settings, sides, mode, base.result(), head.result(), folder, end))
            except Late as error:
                found.append(_entry(mode, problem=str(error)))
        return found
    except GateError:
        # The threads wait for children: without those they end.
        sweep(folder)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _entry(mode: str | None, **values: Any) -> Conformance:
    empty: Conformance = {"mode": mode, "judged": 0, "broken": [], "mended": [], "problem": None}
    return {**empty, **values}  # type: ignore[typeddict-item]


def _judge(
    settings: Settings,
    side: BuiltSide,
    mode: str | None,
    report: Path,
    end: float,
    ids: Sequence[str] = (),
) -> dict[tuple[str, str, str], dict[str, Any]]:
    """The cases by requirement, name and transport. Raises GateError, and Late at `end` (monotonic)."""
    if time.monotonic() >= end:
        raise Late(report.stem)
    cell = Cell(mode, "websocket", "ack")
    start = side.start(report.stem, cell, options=HEARTBEAT)
    try:
        server = RunningServer(Side(**{**start, "command": tuple(start["command"])}))
        try:
            server.ready(min(time.monotonic() + START_SECONDS, end))
            level = ("--level", "2") if settings.reference else ()
            only = [word for entry in ids for word in ("--id", entry)]
            with TemporaryDirectory(dir=report.parent) as secrets:
                how = settings.connection.arguments(Path(secrets), packing=False)
                words = ("--url", server.url, *how, *level, *only, "--report", str(report))
                seconds = max(0.0, min(JUDGE_SECONDS, end - time.monotonic()))
                code, complaint = run_child("conformance", *words, deadline=seconds)
        finally:
            server.stop()
            server.ended()
        # A server that is broken enough makes cases end without a verdict (exit code 2); the others count.
        if code not in (0, 1, 2) or not report.exists():
            raise GateError(f"{report.stem} could not be judged (exit code {code}): {complaint}")
        result = read_conformance(report)
        if all(case["verdict"] in UNKNOWN for case in result["cases"]):
            raise GateError(f"{report.stem} could not be judged: no case came to a verdict")
    except (LifeError, ChildError, ResultFileError) as error:
        if time.monotonic() >= end and not getattr(error, "ended", False):
            raise Late(report.stem) from None
        raise GateError(f"{report.stem} could not be judged: {error}") from None
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for case in json.loads(json.dumps(result["cases"])):
        case["url"] = server.url
        case["verdict"] = _verdict(case["verdict"], reference=settings.reference)
        found[case["id"], case["case"], case.get("transport") or ""] = case
    return found


def _verdict(verdict: str, *, reference: bool) -> str:
    """Of our own server, a deviation that no longer occurs is a change. An application has become better."""
    return "pass" if verdict == "unexpected pass" and not reference else verdict


Cases = dict[tuple[str, str, str], dict[str, Any]]


def _compare(
    settings: Settings,
    sides: Sequence[BuiltSide],
    mode: str | None,
    base: Cases,
    head: Cases,
    folder: Path,
    end: float,
) -> Conformance:
    broken = _changed(base, head)
    if broken:
        ids = sorted({key[0] for key in broken})
        end += settings.budget * AGAIN_SHARE
        again = [
            _judge(settings, side, mode, folder / f"{name}-{mode or 'application'}-again.json", end, ids)
            for name, side in zip(("base", "head"), sides, strict=True)
        ]
        still = _changed(*again)
        broken = [key for key in broken if key in still]
        base, head = base | again[0], head | again[1]
    mended = [key for key in _changed(head, base) if key not in broken]
    return _entry(
        mode,
        judged=sum(case["verdict"] != "not applicable" for case in head.values()),
        broken=[_broken(key, base, head) for key in broken],
        mended=[_broken(key, base, head) for key in mended],
    )


def _changed(one: Cases, other: Cases) -> list[tuple[str, str, str]]:
    """What `one` is known to keep and `other` to break."""
    return [
        key
        for key, case in other.items()
        if case["verdict"] in BROKEN
        and key in one
        and one[key]["verdict"] not in (*BROKEN, *UNKNOWN, "not applicable")
    ]


def _broken(key: tuple[str, str, str], base: Cases, head: Cases) -> BrokenRequirement:
    case = head[key]
    reproduce = case.get("reproduce")
    return {
        "id": key[0],
        "case": " ".join(filter(None, key[1:])),
        "base": base[key]["verdict"],
        "head": case["verdict"],
        "actual": case.get("actual") or case.get("requirement"),
        "reproduce": str(reproduce).replace(case["url"], "URL") if reproduce else None,
    }
