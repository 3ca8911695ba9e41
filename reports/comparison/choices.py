"""The table of choices: for each mode what it is, what it is good for, and what it breaks at."""

from __future__ import annotations

from collections.abc import Mapping

from reports.comparison.answers import message_evidence
from reports.comparison.evidence import MEMORY, Evidence, blocks
from reports.comparison.telling import TRANSPORT_WORDS, figure_of
from reports.conformance.consequences import Consequence, consequences_of, in_order
from reports.writing.quoting import Quotes, Saying, pointer
from sioprobe.results.answers import Choice, Meaning, Said
from sioprobe.results.primitives import Transport
from sioprobe.results.types import Arm, Conformance, Results

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

MORE = 1.1
"""Several processes carry more than one if they carry so many times as much."""
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
    found = [one for transport in TRANSPORTS if (one := message_evidence(results, transport)) is not None]
    memory = [
        one
        for transport in TRANSPORTS
        if (one := blocks(results, transport, "rss_bytes_per_connection", MEMORY)) is not None
    ][:1]
    judged = {one["arm"] for one in results["conformance"]}
    return [
        {
            "arm": arm["id"],
            "nature": _nature(arm),
            "good_for": _good_for(results, arm["id"], found, memory),
            "breaks_at": _breaks_at(results, arm["id"]),
            "meanings": [one["id"] for one in meanings if arm["id"] in one["arms"]],
            "judged": arm["id"] in judged,
        }
        for arm in results["arms"]
        if arm["status"] == "measured" and _loaded(results, arm)
    ]


def _loaded(results: Results, arm: Arm) -> bool:
    return any(cell["arm"] == arm["id"] for cell in results["cells"])


def _nature(arm: Arm) -> str:
    nature = NATURES.get(arm.get("mode") or "", "")
    if arm.get("queue"):
        nature += f" {arm.get('workers', 1)} processes behind a queue ({arm.get('queue')})."
    return nature.strip() or arm["title"]


def _good_for(results: Results, arm: str, messages: list[Evidence], memory: list[Evidence]) -> list[Said]:
    """The kinds of load for which no other mode is better, each with the figure."""
    good = []
    for what, evidence in (("many small messages", messages), ("many idle connections", memory)):
        for one in evidence:
            own = one.of(arm)
            if own is not None and own["standing"] in ("best", "alike") and one.behind:
                said = Saying(Quotes(results))
                figure = figure_of(one, own, said, each=True)
                good.append(said.said(f"{what} over {TRANSPORT_WORDS[one.transport]}: {figure}"))
    return good + _more_than_one_process(results, arm)


def _more_than_one_process(results: Results, arm: str) -> list[Said]:
    """How much more several processes carried than one of the same mode."""
    found = []
    arms = {one["id"]: one for one in results["arms"]}
    for n, cell in enumerate(results["cells"]):
        for m, one in enumerate(results["cells"]):
            same = all(cell[key] == one[key] for key in ("transport", "scenario", "connections"))
            same = same and arms[cell["arm"]].get("mode") == arms[one["arm"]].get("mode")
            rates = [each["metrics"]["messages_per_second"]["estimate"] or 0.0 for each in (cell, one)]
            if cell["arm"] == arm and same and cell["workers"] > one["workers"] == 1 and min(rates) > 0:
                said, rate = Saying(Quotes(results)), "metrics/messages_per_second/estimate"
                times = said.number(f"/cells/{n}/{rate}", over=f"/cells/{m}/{rate}")
                if rates[0] >= MORE * rates[1]:
                    over = TRANSPORT_WORDS[cell["transport"]]
                    found.append(said.said(f"{times} times the messages of {one['arm']} over {over}"))
    return found


def _breaks_at(results: Results, arm: str) -> list[Said]:
    """Where a mode ends: the most that it carried, what failed, and what stopped a section."""
    ends = []
    for n, cell in enumerate(results["cells"]):
        if cell["arm"] != arm or cell["status"] != "measured":
            continue
        said, metrics = Saying(Quotes(results)), pointer("cells", n, "metrics")
        over = TRANSPORT_WORDS[cell["transport"]]
        if cell["metrics"]["messages_per_second"]["estimate"]:
            rate = said.number(f"{metrics}/messages_per_second/estimate")
            between = said.between(f"{metrics}/messages_per_second")
            p99 = said.number(f"{metrics}/latency_p99_us/estimate", factor=1e-3)
            more = "it was not at its maximum" if "server not saturated" in cell["flags"] else f"p99 {p99} ms"
            ends.append(said.said(f"{rate} messages/s{between} over {over}: {more}"))
        if cell["errors"]:
            ends.append(said.said(f"{said.number(pointer('cells', n, 'errors'))} errors over {over}"))
    for n, part in enumerate(results.get("sections", [])):
        for m, row in enumerate(part["rows"]):
            if row["arm"] == arm and row.get("problem"):
                said = Saying(Quotes(results))
                problem = said.string(pointer("sections", n, "rows", m, "problem"))
                ends.append(said.said(f"{part['title']}: {problem}"))
    return ends
