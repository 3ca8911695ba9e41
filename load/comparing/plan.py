"""The plan of a comparison: which servers, how many connections, how long. Read from TOML."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from load.blocks.request import TASKS
from load.comparing.arms import ArmPlan, expand, unique
from load.comparing.connecting import CONNECTING_KEYS, Connecting
from load.profiles.reading import PROFILES, ProfileError, check_keys, read_document, read_table
from load.scenarios import (
    SCENARIOS,
    ParameterError,
    TransportError,
    all_parameters,
    check_transport,
    make_options,
)
from sioprobe.commandline.nearest import nearest, unknown
from sioprobe.engine import TRANSPORTS
from sioprobe.results.comparison import SECTIONS
from sioprobe.results.primitives import AtLeastOne, Count

__all__ = [
    "PROFILES",
    "ArmPlan",
    "ConformancePlan",
    "LoadPlan",
    "Profile",
    "ProfileError",
    "SideBySidePlan",
    "check_load",
    "read_profile",
]

Amount = Annotated[float, Meta(ge=0, le=10**9)]
"""Finite: TOML knows `inf`."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Blocks of `seconds` after `warmup_seconds`, in at most `rounds` passes within `budget_seconds`.

    `parameters` are those of the scenario. In a profile each is a key of `[load]`. A `locustfile` (a path)
    takes the place of scenario and parameters; the scenario is then TASKS.
    """

    scenario: str = "ack"
    transports: Annotated[tuple[str, ...], Meta(min_length=1)] = ("polling", "websocket")
    connections: AtLeastOne = 50
    warmup_seconds: Amount = 0.5
    seconds: Annotated[float, Meta(ge=0.2, le=10**9)] = 1.5
    rounds: AtLeastOne = 5
    minimum_rounds: AtLeastOne = 3
    budget_seconds: Amount = 150.0
    seed: AtLeastOne = 1
    locustfile: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    def block(self, transport: str) -> dict[str, Any]:
        """The request for one block, as `load.blocks` takes it, without a server."""
        played = {"locustfile": self.locustfile} if self.locustfile else {"scenario": self.scenario}
        return {
            "transport": transport,
            **played,
            "connections": self.connections,
            "warmup_seconds": self.warmup_seconds,
            "seconds": self.seconds,
            **self.parameters,
        }


@dataclass(frozen=True, slots=True)
class SideBySidePlan:
    """At most `lives` in which all arms of one process are alive at the same time; 0 is none.

    From `minimum_lives` on the budget ends them. A turn has `messages` over `connections` of one server.
    `priority` puts servers and driver before all other processes, where that is allowed.
    """

    lives: Count = 12
    minimum_lives: AtLeastOne = 8
    budget_seconds: Amount = 75.0
    connections: AtLeastOne = 16
    messages: AtLeastOne = 16
    priority: bool = True


@dataclass(frozen=True, slots=True)
class ConformancePlan:
    """The heartbeat of the judged servers, in seconds."""

    ping_interval: AtLeastOne = 1
    ping_timeout: AtLeastOne = 3


@dataclass(frozen=True, slots=True)
class Profile:
    """A whole plan. `arms` is never empty, and its ids are unique.

    `connecting` says how clients come to the servers, as options that are not read yet: a file may be made by
    the `setup` of an arm. `sections` holds the table of each section, which `load.comparing.sections` reads.
    Without `blocks` they alone are measured.
    """

    title: str
    arms: tuple[ArmPlan, ...]
    load: LoadPlan = field(default_factory=LoadPlan)
    side_by_side: SideBySidePlan = field(default_factory=SideBySidePlan)
    conformance: ConformancePlan = field(default_factory=ConformancePlan)
    connecting: Connecting = field(default_factory=Connecting)
    sections: dict[str, Any] = field(default_factory=dict)
    blocks: bool = True

    def only(self, arms: Iterable[str]) -> Profile:
        """This plan with these arms alone. Raises ProfileError for an unknown one."""
        known = [arm.id for arm in self.arms]
        wanted = list(arms)
        for name in wanted:
            if name not in known:
                raise ProfileError(f"profile {self.title} has no arm {name!r}{nearest(name, known)}")
        return replace(self, arms=tuple(arm for arm in self.arms if arm.id in wanted))

    def queues(self) -> list[str]:
        """The queues of our own servers, in the arms and in the sections."""
        named = [arm.queue for arm in self.arms if arm.queue and not arm.own and not arm.server]
        return list(
            dict.fromkeys([*named, *(name for t in self.sections.values() for name in t.get("queue", ()))])
        )

    def check_servers(
        self, modes: Sequence[str], servers: Sequence[str], queues: Collection[str], proxies: Sequence[str]
    ) -> None:
        """ProfileError for another mode, foreign server, queue or proxy than `sioprobe serve` knows."""
        for name, table in self.sections.items():
            for queue in table.get("queue", ()):
                if queue not in queues:
                    raise ProfileError(f"profile {self.title}: {name}: {unknown('queue', queue, queues)}")
        for arm in self.arms:
            if arm.own:
                continue
            if arm.mode in servers:
                line = f"{arm.mode!r} is a server and no async mode: write server = {arm.mode!r}"
            elif arm.mode and arm.mode not in modes:
                line = unknown("mode", arm.mode, modes)
            elif arm.server and arm.server not in servers:
                line = unknown("server", arm.server, servers)
            elif arm.queue and not arm.server and arm.queue not in queues:
                # Some foreign servers have queues of their own, which `sioprobe serve` checks.
                line = unknown("queue", arm.queue, queues)
            elif arm.proxy and arm.proxy not in proxies:
                line = unknown("proxy", arm.proxy, proxies)
            else:
                continue
            raise ProfileError(f"profile {self.title}: arm {arm.id}: {line}")

    def as_json(self) -> dict[str, Any]:
        """The plan in run.json."""
        return {
            "title": self.title,
            "arms": [arm.as_json() for arm in self.arms],
            "load": {**asdict(self.load), "locustfile": Path(self.load.locustfile).name},
            "conformance": asdict(self.conformance),
            "sections": self.sections,
            "blocks": self.blocks,
        }


def read_profile(name: str) -> Profile:
    """The profile of that name, or of that path to a TOML file. Raises ProfileError."""
    document, place = read_document(name, compares=True)
    return _profile(document, place, Path(name).absolute().parent)


def _profile(document: dict[str, Any], place: str, folder: Path) -> Profile:
    check_keys(document, ("title", "load", "side_by_side", "conformance", "arms", *SECTIONS), place)
    arms = document.get("arms")
    if not isinstance(arms, list) or not arms:
        hint = "; without one it is a profile of `sioprobe load`" if document else ""
        raise ProfileError(f"{place}: needs at least one [[arms]]{hint}")
    plans: list[ArmPlan] = []
    for n, arm in enumerate(arms):
        where = f"{place}: arms[{n}]"
        for plan in _arms(arm, where):
            plans += expand(plan, folder, where)
    section = document.get("load", {})
    load = _load(section, f"{place}: load")
    if load.locustfile:
        load = replace(load, locustfile=str(folder / load.locustfile))
    check_load(load, f"{place}: load")
    return Profile(
        title=str(document.get("title", place)),
        arms=unique(plans, place),
        load=load,
        side_by_side=read_table(document.get("side_by_side", {}), SideBySidePlan, f"{place}: side_by_side"),
        conformance=read_table(document.get("conformance", {}), ConformancePlan, f"{place}: conformance"),
        connecting=Connecting.of(section, folder, f"{place}: load"),
        sections={name: document[name] for name in SECTIONS if name in document},
    )


def _arms(table: Any, place: str) -> Iterator[ArmPlan]:
    """What one table of `[[arms]]` says: one plan, or one for each pair of its `workers` and `queue`."""
    axes = {key: table[key] for key in ("workers", "queue") if isinstance(table, dict) and key in table}
    if not any(isinstance(value, list) and value for value in axes.values()):
        yield _arm(table, place)
        return
    if "queue" not in axes:
        raise ProfileError(f'{place}: workers = {axes["workers"]} need a queue, such as queue = "redis"')
    listed = [value if isinstance(value, list) else [value] for value in axes.values()]
    for values in product(*listed):
        plan = _arm({**table, **dict(zip(axes, values, strict=True))}, place)
        yield plan.behind(plan.queue, plan.workers)


def _arm(table: Any, place: str) -> ArmPlan:
    try:
        plan: ArmPlan = read_table(table, ArmPlan, place)
    except ProfileError as error:
        if str(error).startswith(f"{place}: env"):
            # A value of it may be a secret.
            raise ProfileError(f"{place}: env is not a table of text") from None
        raise
    return plan


def _load(section: Any, place: str) -> LoadPlan:
    """The plan in `[load]` with the parameters of its scenario."""
    if not isinstance(section, dict):
        raise ProfileError(f"{place}: is not a table")
    given = {key: value for key, value in section.items() if key in all_parameters()}
    rest = {key: value for key, value in section.items() if key not in (*given, *CONNECTING_KEYS)}
    plan: LoadPlan = read_table(rest, LoadPlan, place, (*CONNECTING_KEYS, *all_parameters()))
    if plan.locustfile:
        for also in ("scenario", *given):
            if also in section:
                raise ProfileError(f"{place}: locustfile and {also} say two different things")
        return replace(plan, scenario=TASKS)
    if plan.scenario in SCENARIOS:
        try:
            options = make_options(plan.scenario, given)
            given = {name: options[name] for name in given}
        except ParameterError as error:
            raise ProfileError(f"{place}: {error}") from None
    return replace(plan, parameters=given)


def check_load(load: LoadPlan, place: str) -> None:
    """Raise ProfileError for a load that cannot be played."""
    for transport in load.transports:
        if transport not in TRANSPORTS:
            raise ProfileError(f"{place}: {unknown('transport', transport, TRANSPORTS)}")
    if not load.locustfile:
        _check_scenario(load, place)
    if load.minimum_rounds > load.rounds:
        raise ProfileError(f"{place}: minimum_rounds = {load.minimum_rounds} is above rounds = {load.rounds}")


def _check_scenario(load: LoadPlan, place: str) -> None:
    if load.scenario not in SCENARIOS:
        raise ProfileError(f"{place}: {unknown('scenario', load.scenario, SCENARIOS)}")
    for transport in load.transports:
        try:
            check_transport(load.scenario, transport)
        except TransportError as error:
            raise ProfileError(f"{place}: {error}") from None
