"""What the guide of Flask-SocketIO says about the modes, beside what this run measured.

The guide compares by performance; here that is the server's CPU for a message.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal

from reports.comparison.evidence import Evidence
from reports.comparison.loads import message_evidence
from reports.comparison.telling import lead, names_of, times_of
from reports.writing.quoting import Quotes, Saying, pointer
from reports.writing.wording import TRANSPORT_WORDS
from sioprobe.results.answers import GuideLine, Standing
from sioprobe.results.primitives import Transport
from sioprobe.results.types import Results

__all__ = ["guide_lines"]

Verdict = Literal["holds here", "does not hold here", "cannot be told here", "not measured"]

INTRODUCTION = "the guide, Introduction"
SLIGHTLY = 1.25
"""At most so many times as much is "slightly" more."""
LOOKED_AT: tuple[Transport, ...] = ("websocket", "polling")


def guide_lines(results: Results) -> list[GuideLine]:
    """The claims in the order of the guide. Nothing where none of its modes was measured."""
    found = _each(results)
    if not any(one.of(mode) for one in found for mode in ("eventlet", "gevent", "threading")):
        return []
    return [
        _eventlet_is_best(results, found),
        _gevent_is_slightly_below(results),
        _werkzeug_is_for_development(results, found),
        _threading_only_polls(results),
        _begin_with_threading(results),
    ]


def _eventlet_is_best(results: Results, found: list[Evidence]) -> GuideLine:
    said = Saying(Quotes(results))
    told, verdicts = [], []
    for one in found:
        own, over = one.of("eventlet"), TRANSPORT_WORDS[one.transport]
        if own is None or own["standing"] == "unranked" or len(one.standings) < 2:
            continue
        if own["standing"] == "behind":
            told.append(_needs(one, own, said))
            verdicts.append("no")
        elif one.best == [own] and one.behind:
            told.append(lead(one, said))
            verdicts.append("yes")
        else:
            others = [other for other in one.best if other is not own]
            told.append(f"Over {over} it cannot be told apart from {names_of(others)}.")
            verdicts.append("open")
    return _line("eventlet performs best.", INTRODUCTION, _together(verdicts), said, told)


def _gevent_is_slightly_below(results: Results) -> GuideLine:
    def slightly(higher: Standing) -> bool:
        return higher["arm"] == "gevent" and (higher["times"] or 0) <= SLIGHTLY

    claim = "gevent performs well, slightly below eventlet."
    return _of_two(results, ("gevent", "eventlet"), claim, INTRODUCTION, slightly)


def _werkzeug_is_for_development(results: Results, found: list[Evidence]) -> GuideLine:
    said = Saying(Quotes(results))
    told, verdicts = [], []
    for one in found:
        own, over = one.of("threading"), TRANSPORT_WORDS[one.transport]
        if own is None or own["standing"] == "unranked" or len(one.standings) < 2:
            continue
        if own["standing"] == "behind":
            told.append(_needs(one, own, said))
            verdicts.append("yes")
        else:
            told.append(f"Over {over} the figures do not show that it is slower.")
            verdicts.append("open")
    if told:
        told.append("Whether it is safe to deploy was not measured.")
    claim = "Werkzeug's server (threading) is slower than the others, and for development only."
    return _line(claim, INTRODUCTION, _together(verdicts), said, told)


def _threading_only_polls(results: Results) -> GuideLine:
    said = Saying(Quotes(results))
    told: list[str] = []
    verdict: Verdict = "not measured"
    for n, cell in enumerate(results["cells"]):
        if (cell["arm"], cell["transport"], cell["status"]) == ("threading", "websocket", "measured"):
            rate = said.number(pointer("cells", n, "metrics", "messages_per_second", "estimate"))
            told = [f"With simple-websocket it carried {rate} messages a second over WebSocket."]
            verdict = "does not hold here"
            break
    claim = "Werkzeug's server (threading) offers long-polling only."
    return _line(claim, "older editions, and translations of them", verdict, said, told)


def _begin_with_threading(results: Results) -> GuideLine:
    """Whether the step to gevent brings something."""
    claim = "Begin with threading, and take gevent if that is not enough. Eventlet is winding down."
    where = "the maintainer, Flask-SocketIO issue 2067"
    return _of_two(
        results, ("threading", "gevent"), claim, where, lambda higher: higher["arm"] == "threading"
    )


def _of_two(
    results: Results, modes: Collection[str], claim: str, where: str, holds: Callable[[Standing], bool]
) -> GuideLine:
    """A claim about two modes. `holds` tells it by the one that needs more."""
    said = Saying(Quotes(results))
    told, verdicts = [], []
    for one in _each(results, modes):
        higher, over = one.standings[-1], TRANSPORT_WORDS[one.transport]
        if len(one.standings) < 2 or higher["standing"] == "unranked":
            continue
        if higher["standing"] == "behind":
            told.append(_needs(one, higher, said))
            verdicts.append("yes" if holds(higher) else "no")
        else:
            told.append(f"Over {over} the two cannot be told apart.")
            verdicts.append("open")
    return _line(claim, where, _together(verdicts), said, told)


def _needs(found: Evidence, own: Standing, said: Saying) -> str:
    times, between = times_of(found, own, said)
    over, best = TRANSPORT_WORDS[found.transport], found.standings[0]["arm"]
    return f"Over {over} {own['arm']} needs {times} times the CPU of {best}{between}."


def _each(results: Results, only: Collection[str] = ()) -> list[Evidence]:
    """How the modes, or some of them, stand over each transport."""
    found = (message_evidence(results, transport, only) for transport in LOOKED_AT)
    return [one for one in found if one is not None]


def _line(claim: str, where: str, verdict: Verdict, said: Saying, told: list[str]) -> GuideLine:
    return {"claim": claim, "where": where, "verdict": verdict, "measured": said.said(*told)}


def _together(verdicts: list[str]) -> Verdict:
    """One verdict over the transports: a claim holds only if it holds over each."""
    if not verdicts:
        return "not measured"
    if "no" in verdicts:
        return "does not hold here"
    return "holds here" if set(verdicts) == {"yes"} else "cannot be told here"
