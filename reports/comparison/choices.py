"""The table of choices: for each mode what it is, what it is good for, and what it breaks at."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reports.comparison.evidence import Evidence, rows_of
from reports.comparison.examples import IDLE, NOT_TRIED
from reports.comparison.loads import connection_evidence, message_evidence, room_evidence, size_evidence
from reports.comparison.telling import figure_of, times_of
from reports.conformance.consequences import Consequence, consequences_of, in_order
from reports.statistics.crowding import claims_nothing
from reports.writing.quoting import Quotes, Saying, pointer
from reports.writing.wording import TRANSPORT_WORDS, counted
from sioprobe.results.answers import Choice, Meaning, Said, Standing
from sioprobe.results.comparison import SectionRow
from sioprobe.results.primitives import Transport
from sioprobe.results.types import Arm, CellResult, Conformance, Results

__all__ = ["NATURES", "choices_of", "meanings_of"]

PATCHED = "The standard library must be patched."
BLOCKING = "Code that blocks may stay as it is."
NATURES = {
    "threading": f"Werkzeug's server: a thread for each connection and each event. {BLOCKING}",
    "eventlet": f"Green threads in eventlet's server. {PATCHED} Eventlet's makers advise against new uses.",
    "gevent": f"Green threads in gevent's server, with gevent-websocket. {PATCHED}",
    "gevent-simple": f"Green threads in gevent's server, with simple-websocket. {PATCHED}",
    "gevent_uwsgi": f"uWSGI with gevent and a WebSocket of its own. It must be compiled. {PATCHED}",
    "gunicorn-gthread": f"gunicorn with threads: at most as many connections as threads. {BLOCKING}",
    "gunicorn-gevent": f"gunicorn's gevent worker, with simple-websocket. {PATCHED}",
    "gunicorn-geventwebsocket": f"gunicorn with the worker of gevent-websocket. {PATCHED}",
}
"""What each mode of the reference server is, whatever a run measures."""

ENDED = {
    "budget": "; the time ended the search, so it may carry more",
    "generator": "; the generator was the limit, so it may carry more",
    "machine": "; other processes took the CPU, so it may carry more",
}
"""What is said of a search that ended before the server's limit, by what ended it."""
LEAKS = {
    "leaked_sessions": "sessions kept of clients",
    "leaked_threads": "threads kept of clients",
    "leaked_files": "open files kept of clients",
    "leaked_bytes_per_life": "KiB of memory kept of each client",
}
MORE = 1.1
"""Several processes carry more than one if they carry so many times as much."""
GOOD = ("best", "alike")
NEAR, FAR = 1.3, 2.0
"""A mode that is behind is still good if it is near the best, and another is far off."""
TRANSPORTS: tuple[Transport, ...] = ("websocket", "polling")


def meanings_of(results: Results, conformances: Mapping[str, Conformance]) -> list[Meaning]:
    """What deviations mean, each once, with the arms for which it holds. The order is that of the page."""
    found: dict[Consequence, dict[str, list[str]]] = {}
    for arm in results["arms"]:
        if arm["id"] in conformances and _loaded(results, arm):
            for one, requirements in consequences_of(conformances[arm["id"]]["cases"]).items():
                found.setdefault(one, {})[arm["id"]] = requirements
    return [
        {
            "id": one.id,
            "text": one.text,
            "who": one.who,
            "official": one.official,
            "requirements": sorted({name for names in found[one].values() for name in names}),
            "arms": list(found[one]),
        }
        for one in in_order(found)
    ]


def choices_of(results: Results, meanings: list[Meaning]) -> list[Choice]:
    """One choice for each arm that was loaded, in the order of the run."""
    rooms = room_evidence(results)
    loads: list[tuple[str, Evidence | None]] = [
        *(("many small messages", message_evidence(results, transport)) for transport in TRANSPORTS),
        *(("messages of {payload_bytes} bytes", one) for one in size_evidence(results)[-1:]),
        ("many idle connections", connection_evidence(results)),
        ("deliveries in a room of {room_size}" if rooms and rooms.source == "single" else "rooms", rooms),
    ]
    # If no mode is behind, no mode is ahead.
    found = [(what, evidence) for what, evidence in loads if evidence is not None and evidence.behind]
    judged = {one["arm"] for one in results["conformance"]}
    return [
        {
            "arm": arm["id"],
            "nature": _nature(arm),
            "good_for": _good_for(results, arm["id"], found),
            "breaks_at": _breaks_at(results, arm["id"]),
            "meanings": [one["id"] for one in meanings if arm["id"] in one["arms"]],
            "judged": arm["id"] in judged,
        }
        for arm in results["arms"]
        if arm["status"] == "measured" and _loaded(results, arm)
    ]


def _loaded(results: Results, arm: Arm) -> bool:
    rows = [row for part in results.get("sections", []) for row in part["rows"]]
    return any(one["arm"] == arm["id"] for one in [*results["cells"], *rows])


def _nature(arm: Arm) -> str:
    nature = NATURES.get(arm.get("mode") or "", "")
    if arm.get("queue"):
        processes = counted(arm.get("workers", 1), "process", "processes")
        nature += f" {processes} behind a queue ({arm.get('queue')})."
    return nature.strip() or arm["title"]


def _good_for(results: Results, arm: str, found: list[tuple[str, Evidence]]) -> list[Said]:
    """The kinds of load for which it is among the best, or near it where others are far off."""
    good = []
    for what, evidence in found:
        own = evidence.of(arm)
        if own is None:
            continue
        near = own["standing"] == "behind" and _off(own) <= NEAR and max(map(_off, evidence.behind)) >= FAR
        if own["standing"] in GOOD or near:
            said = Saying(Quotes(results))
            place = own["source"].rpartition("/figures/")[0] + "/at/"
            names = re.findall(r"{(\w+)}", what)
            load = what.format(**{name: said.number(place + name) for name in names})
            text = f"{load} over {TRANSPORT_WORDS[evidence.transport]}: "
            text += figure_of(evidence, own, said, each=True)
            if near:
                text += f", {times_of(evidence, own, said)[0]} times that of {evidence.standings[0]['arm']}"
            good.append(said.said(text))
    return good + _more_than_one_process(results, arm)


def _off(one: Standing) -> float:
    """By which factor it is worse than the best."""
    times = one["times"] or 1.0
    return max(times, 1 / times)


def _more_than_one_process(results: Results, arm: str) -> list[Said]:
    """How much more several processes carried than one of the same mode."""
    found = []
    arms = {one["id"]: one for one in results["arms"]}
    for n, cell in enumerate(results["cells"]):
        for m, one in enumerate(results["cells"]):
            same = all(cell[key] == one[key] for key in ("transport", "scenario", "connections"))
            same = same and arms[cell["arm"]].get("mode") == arms[one["arm"]].get("mode")
            same = same and not claims_nothing(arms[cell["arm"]], results["environment"].get("cores"))
            rates = [each["metrics"]["messages_per_second"]["estimate"] or 0.0 for each in (cell, one)]
            if cell["arm"] == arm and same and cell["workers"] > one["workers"] == 1 and min(rates) > 0:
                said, rate = Saying(Quotes(results)), "metrics/messages_per_second/estimate"
                times = said.number(f"/cells/{n}/{rate}", over=f"/cells/{m}/{rate}")
                if rates[0] >= MORE * rates[1]:
                    over = TRANSPORT_WORDS[cell["transport"]]
                    found.append(said.said(f"{times} times the messages of {one['arm']} over {over}"))
    return found


def _breaks_at(results: Results, arm: str) -> list[Said]:
    """Where a mode ends: the most that it carried over each transport, and what failed."""
    most = {cell["transport"]: _most_of_blocks(results, n) for n, cell in _cells(results, arm)}
    for transport in TRANSPORT_WORDS:
        for place, row in rows_of(results, "capacity", transport, {"point": "capacity"}):  # type: ignore[arg-type]
            if row["arm"] == arm and row["figures"].get("messages_per_second"):
                most[row["transport"] or "websocket"] = _most_within(results, place, row)
    errors = [_errors(results, n) for n, cell in _cells(results, arm) if cell["errors"]]
    return [*filter(None, most.values()), *errors, *_held(results, arm), *_leaked(results, arm)]


def _cells(results: Results, arm: str) -> list[tuple[int, CellResult]]:
    return [(n, cell) for n, cell in enumerate(results["cells"]) if cell["arm"] == arm]


def _most_of_blocks(results: Results, n: int) -> Said | None:
    cell, metrics = results["cells"][n], pointer("cells", n, "metrics")
    if not cell["metrics"]["messages_per_second"]["estimate"]:
        return None
    said, over = Saying(Quotes(results)), TRANSPORT_WORDS[cell["transport"]]
    rate = said.number(f"{metrics}/messages_per_second/estimate")
    between = said.between(f"{metrics}/messages_per_second")
    p99 = said.number(f"{metrics}/latency_p99_us/estimate", factor=1e-3)
    more = "it was not at its maximum" if "server not saturated" in cell["flags"] else f"p99 {p99} ms"
    return said.said(f"{rate} messages/s{between} over {over}: {more}")


def _most_within(results: Results, place: str, row: SectionRow) -> Said:
    said, over = Saying(Quotes(results)), TRANSPORT_WORDS[row["transport"] or "websocket"]
    rate, objective = (
        said.number(f"{place}/figures/messages_per_second"),
        said.string(f"{place}/at/objective"),
    )
    ended = ENDED.get(row["at"].get("limit", "server"), "")
    return said.said(f"{rate} messages/s over {over} within {objective}{ended}")


def _errors(results: Results, n: int) -> Said:
    said = Saying(Quotes(results))
    errors = said.number(pointer("cells", n, "errors"))
    return said.said(f"{errors} errors over {TRANSPORT_WORDS[results['cells'][n]['transport']]}")


def _held(results: Results, arm: str) -> list[Said]:
    """Numbers of idle connections that were not all there, or not tried for what fewer had shown."""
    found = []
    for place, row in rows_of(results, "connections", "websocket"):
        said = Saying(Quotes(results))
        if row["arm"] != arm or IDLE not in row["at"]:
            continue
        if (row.get("problem") or "").startswith(NOT_TRIED):
            asked = said.number(f"{place}/at/{IDLE}")
            problem = said.string(f"{place}/problem")
            found.append(said.said(f"{asked} idle connections: {problem}"))
        elif row["figures"].get("failed"):
            there, asked = (said.whole(f"{place}/{name}") for name in ("figures/connected", f"at/{IDLE}"))
            found.append(said.said(f"{there} of {asked} idle connections were there"))
    return found


def _leaked(results: Results, arm: str) -> list[Said]:
    """What the server kept of clients that had left."""
    found = []
    for transport in TRANSPORT_WORDS:
        for place, row in rows_of(results, "life", transport):  # type: ignore[arg-type]
            for name, what in LEAKS.items():
                if row["arm"] == arm and row["figures"].get(name):
                    said = Saying(Quotes(results))
                    figure = f"{place}/figures/{name}"
                    of_memory = name == "leaked_bytes_per_life"
                    kept = said.number(figure, factor=1 / 1024) if of_memory else said.whole(figure)
                    found.append(said.said(f"{kept} {what} that had left over {TRANSPORT_WORDS[transport]}"))
    return found
