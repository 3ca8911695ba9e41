"""The short runs of `sioprobe survey`, and what it says about each.

Each run is a block (`load.blocks`) on new connections, one after the other against the same server. It tells
whether a scenario is clean on that server. Its figures only show that something happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from load.playing.observations import count_of, told
from load.scenarios import SCENARIOS
from sioprobe.engine import Kind
from sioprobe.measured import Ledger
from sioprobe.results.loads import Block, to_json

__all__ = [
    "HEAD",
    "MORE",
    "RunOutcome",
    "ShortRun",
    "code_of",
    "heartbeat_of",
    "later_runs",
    "render",
    "row",
    "runs",
]

WARMUP_SECONDS = 0.3
MESSAGES_SECONDS = 2.0
FEW, MORE = 12, 20
"""Connections: two rooms of six, and enough for a storm. No run has more."""

SLOW_SECONDS = 1.5
AFTER_SECONDS = 2.5
CALM_SECONDS = 0.5
COOL_DOWN_SECONDS = 15.0
LONGEST_HEARTBEAT = 8.0
"""Seconds of ping interval and timeout together. With a longer heartbeat, two of them make no short run."""

FULL_SECONDS = 6.0
FULL_BYTES, FULL_PAYLOAD_BYTES = 6_000_000, 20_000
"""More bytes than the kernels of both sides keep for one connection. Some servers unmask them in Python."""


@dataclass(frozen=True, slots=True)
class ShortRun:
    """One scenario with these parameters. `title` is its name in the table."""

    title: str
    scenario: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    connections: int = FEW
    seconds: float = MESSAGES_SECONDS

    def request(self, urls: list[str], transport: str, **more: Any) -> dict[str, Any]:
        """The block to ask for."""
        return {
            "urls": urls,
            "transport": transport,
            "scenario": self.scenario,
            "connections": self.connections,
            "warmup_seconds": WARMUP_SECONDS,
            "seconds": self.seconds,
            **self.parameters,
            **more,
        }

    @property
    def deadline(self) -> float:
        """Seconds after which the generator counts as hung: connecting and closing may take a minute."""
        return self.seconds + float(self.parameters.get("cool_down", 0.0)) + 90.0


def _slow(title: str, phase: float) -> ShortRun:
    parameters = {"phase_seconds": phase, "calm": CALM_SECONDS}
    return ShortRun(title, "slow", parameters, MORE, CALM_SECONDS + 2 * phase + AFTER_SECONDS)


CONTRACT_EVENTS = [
    {"event": "message-with-ack", "arguments": ["{n}", "{user}"], "match": "0={n}", "weight": 2},
    {"event": "message", "arguments": ["{n}"], "answer": "message-back", "match": "0={n}"},
]
RUNS = (
    ShortRun("ack", "ack"),
    ShortRun("ack, open", "ack", {"rate": 10.0, "schedule": "poisson"}),
    ShortRun("echo", "echo"),
    ShortRun("binary", "binary", {"attachments": 2, "payload_bytes": 1024}),
    ShortRun("fanout", "fanout", {"room_size": 6, "publishers": 2}),
    ShortRun("broadcast", "broadcast"),
    ShortRun("namespaces", "namespaces"),
    ShortRun("churn", "churn", {"cool_down": COOL_DOWN_SECONDS}, MORE, 3.5),
    ShortRun("storm", "storm", {"waves": 2, "calm": CALM_SECONDS}, MORE, 6.0),
    ShortRun("idle", "idle", {}, MORE, 3.5),
    _slow("slow", SLOW_SECONDS),
    ShortRun("upgrade", "upgrade", {}, MORE, 3.5),
    ShortRun("call", "call", {"on_start": ['join:["survey"]'], "events": CONTRACT_EVENTS}),
)


def later_runs(
    transports: tuple[str, ...], interval: float, timeout: float
) -> Iterator[tuple[ShortRun, str, str]]:
    """Two more runs of `slow` over each transport, and why a run is left out; empty where it is not.

    In one, some members read nothing for twice as long as ping interval and timeout (seconds; 0 where not
    known): a server should have given them up. In the other, more comes within the timeout than the kernels
    hold, so that the server itself must hold it.
    """
    heartbeat = interval + timeout
    known = heartbeat > 0
    for transport in transports:
        longer = _slow(f"slow, {2 * heartbeat:g} s" if known else "slow, longer", 2 * heartbeat)
        why = ""
        if not known:
            why = "ping interval and ping timeout are not known"
        elif heartbeat > LONGEST_HEARTBEAT:
            why = (
                f"ping interval and timeout are {heartbeat:g} s together;"
                f" try sioprobe load --scenario slow --phase-seconds {2 * heartbeat:g}"
                f" --seconds {4 * heartbeat + 10:g}"
            )
        yield longer, transport, why
    for transport in transports:
        # On polling the server holds everything anyway.
        if transport != "polling":
            least = FULL_SECONDS + 1.0
            why = "" if timeout >= least else f"needs a ping timeout of {least:g} s; it is {timeout:g} s"
            yield _slow_full(), transport, why


def _slow_full() -> ShortRun:
    parameters = {
        "room_size": 4,
        "slow_share": 0.25,
        "payload_bytes": FULL_PAYLOAD_BYTES,
        "publish_rate": FULL_BYTES / FULL_PAYLOAD_BYTES / FULL_SECONDS,
    }
    run = _slow(f"slow, {FULL_BYTES / 1e6:g} MB", FULL_SECONDS)
    return replace(run, parameters={**run.parameters, **parameters}, connections=4)


def runs(transports: tuple[str, ...]) -> Iterator[tuple[ShortRun, str]]:
    """Each run, over each of these transports that its scenario takes."""
    for run in RUNS:
        for transport in transports:
            if transport in SCENARIOS[run.scenario].transports:
                yield run, transport


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """One run. `problems` names what is not clean; `skipped` is the reason of a run that did not take place.

    `block` is None if nothing was measured.
    """

    run: ShortRun
    transport: str
    block: Block | None = None
    problems: tuple[str, ...] = ()
    skipped: str = ""

    @classmethod
    def of_block(cls, run: ShortRun, transport: str, block: Block) -> RunOutcome:
        """The outcome that the block shows."""
        return cls(run, transport, block, tuple(_problems(block)))

    @property
    def clean(self) -> bool:
        """Whether it took place and nothing was wrong."""
        return self.block is not None and not self.problems

    @property
    def verdict(self) -> str:
        """The verdict on the generator, or a dash if nothing was measured."""
        return self.block.validity.verdict if self.block is not None else "-"

    def to_json(self) -> dict[str, Any]:
        """With the whole block."""
        return {
            "title": self.run.title,
            "scenario": self.run.scenario,
            "transport": self.transport,
            "parameters": dict(self.run.parameters),
            "clean": self.clean,
            "problems": list(self.problems),
            "skipped": self.skipped or None,
            "block": to_json(self.block) if self.block is not None else None,
        }


def _problems(block: Block) -> Iterator[str]:
    """One phrase for each thing that is not clean."""
    kinds = block.error_kinds
    if block.opened < block.connections:
        yield f"{block.opened} of {block.connections} connections opened"
    if any(finding.cause == "operations" for finding in block.validity.findings):
        yield "no operation"
    if kinds:
        yield told(kinds)
    ledger = Ledger.of(block.ledger) if block.ledger is not None else Ledger()
    for name, count in ledger.problems.items():
        if count and name not in kinds:
            yield f"{name} {count:,}"
    if block.generator.unconfirmed_closes:
        yield f"closes not answered {block.generator.unconfirmed_closes}"
    yield from _found_problems(block.found or {})


def _found_problems(found: dict[str, Any]) -> Iterator[str]:
    """One phrase for each problem that the scenario itself found."""
    if found.get("unconfirmed_closes"):
        yield f"closes not answered {found['unconfirmed_closes']:,}"
    leak = found.get("leak", {})
    if leak.get("verdict") == "leaks":
        memory = ["memory"] if leak.get("memory") == "grows" else []
        yield "leaks " + ", ".join([*filter(None, [told(leak["kept"])]), *memory])
    if found.get("overdue"):
        yield f"pings overdue {found['overdue']}"
    if "waves" in found and len(found["waves"]) < found["planned"]:
        yield f"{len(found['waves'])} of {found['planned']} waves came"
    for wave in found.get("waves", ()):
        if wave["errors"]:
            yield f"attempts failed: {told(wave['errors'])}"
    if "slow" in found:
        yield from _slow_problems(found["slow"], found["slow_ledger"])


def _slow_problems(slow: dict[str, Any], ledger: dict[str, Any]) -> Iterator[str]:
    """Problems of the members that did not read. A server may drop them, but must not send them nonsense."""
    broken = slow["dropped_kinds"].get(Kind.MALFORMED_INPUT)
    if broken:
        yield f"{Kind.MALFORMED_INPUT} to the slow {broken}"
    missing = slow["backlog_of_those_who_stayed"] - slow["backlog_got_of_those_who_stayed"]
    if missing:
        yield f"lost to the slow who stayed {missing:,}"
    for name in ("duplicated", "reordered"):
        if ledger[name]:
            yield f"{name} to the slow {ledger[name]:,}"


def heartbeat_of(outcome: RunOutcome) -> tuple[float, float] | None:
    """Ping interval and timeout in seconds that `idle` saw, or None."""
    found = (outcome.block.found if outcome.block is not None else None) or {}
    interval, timeout = (found.get(f"ping_{name}_seconds", 0.0) for name in ("interval", "timeout"))
    return (interval, timeout) if interval else None


HEAD = f"{'scenario':<12} {'transport':<9} {'operations':>10}  {'generator':<9}  what was seen"


def row(outcome: RunOutcome) -> str:
    """One line below HEAD, and the sentences of the scenario."""
    block = outcome.block
    seen = "clean" if outcome.clean else "; ".join(outcome.problems) or f"not run: {outcome.skipped}"
    counts = block is not None and SCENARIOS[outcome.run.scenario].operation is not None
    operations = f"{block.operations:,}" if block is not None and counts else "-"
    lines = [f"{outcome.run.title:<12} {outcome.transport:<9} {operations:>10}  {outcome.verdict:<9}  {seen}"]
    if block is not None:
        lines += [f"    {words}" for words in (block.found or {}).get("words", ())]
    return "\n".join(lines)


def render(outcomes: list[RunOutcome]) -> str:
    """How many runs were clean, which were not, and the verdicts on the generator."""
    took_place = [outcome for outcome in outcomes if not outcome.skipped]
    clean = sum(outcome.clean for outcome in took_place)
    lines = [f"{clean} of {count_of(len(took_place), 'run')} clean"]
    skipped = len(outcomes) - len(took_place)
    if skipped:
        lines[0] += f"; {skipped} not run"
    bad = [f"{outcome.run.title} {outcome.transport}" for outcome in took_place if not outcome.clean]
    if bad:
        lines.append("not clean: " + "; ".join(bad))
    verdicts: dict[str, int] = {}
    for outcome in took_place:
        verdicts[outcome.verdict] = verdicts.get(outcome.verdict, 0) + 1
    verdicts.pop("-", None)
    lines.append(f"the generator was {told(verdicts)}" if verdicts else "nothing was measured")
    return "\n".join(lines)


def code_of(outcomes: list[RunOutcome]) -> int:
    """0 if every run that took place is clean, else 1.

    An INVALID generator changes nothing: a closed loop is as fast as the slower side, and messages that came
    whole, once and in order did so however busy the generator was.
    """
    return 0 if all(outcome.clean or outcome.skipped for outcome in outcomes) else 1
