"""The servers of arms: started by their command or found at their URL, looked at before they are measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import psutil

from load.comparing.arms import ArmPlan, command_of
from load.comparing.plan import LoadPlan
from load.playing.round_trips import RoundTripScenario
from load.scenarios import SCENARIOS, make_options
from load.servers.message_sizes import problem_with_scenario
from load.servers.processes import BlockGenerator, ChildError, Server, check_locustfile
from load.servers.started import StartedServer
from load.servers.steps import run_step, versions_of
from load.watching.locating import locate
from load.watching.proc import descendants
from sioprobe.commandline.connection_options import ConnectionOptions

__all__ = [
    "ArmServer",
    "check_played",
    "let_in",
    "look_at",
    "measured_at",
    "run_setups",
    "start_arm",
    "versions_there",
]

TRIAL = {"connections": 4, "warmup_seconds": 0.1, "seconds": 0.5}
TRIAL_RATE = 20.0
TRIAL_SECONDS = 45.0


class OwnServer(StartedServer):
    """An application of one's own, from its start to its end."""

    def __init__(self, plan: ArmPlan, cores: set[int] | None = None) -> None:
        super().__init__(command_of(plan), cores=cores)
        self.wait()
        self.notes: list[str] = []
        self._seen = self._find()

    @property
    def pids(self) -> list[int]:
        """The roots of its process trees; none if the server itself is not to be seen."""
        return self._seen

    def _find(self) -> list[int]:
        """The command's processes, if it is they that listen. A container's client, for one, does not."""
        if self.about.get("pids"):
            return super().pids
        found = locate(self.urls)
        if descendants(self.pid) & set(found.pids):
            return [self.pid]
        if not found.pids:
            self.notes.append(f"CPU and memory were not measured: {found.reason}")
        return list(found.pids)


class ServerAtUrl:
    """An application that runs already, and goes on when the comparison ends."""

    def __init__(self, url: str) -> None:
        self.urls = [url]
        self.about: dict[str, Any] = {}
        self.partners: dict[str, list[int]] = {}
        found = locate(self.urls)
        self.pids = list(found.pids)
        self.notes = [
            f"it ran at {url} already, so it was neither started anew for each block nor put on a core"
        ]
        if not self.pids:
            self.notes.append(f"CPU and memory were not measured: {found.reason}")

    def close(self) -> None:
        """Leave it alone."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


ArmServer = Server | OwnServer | ServerAtUrl


def start_arm(plan: ArmPlan, *options: str, cores: set[int] | None = None) -> ArmServer:
    """The ready server of an arm; `options` are for `sioprobe serve` alone. Raises ChildError."""
    if plan.url:
        return ServerAtUrl(plan.url)
    if plan.command:
        return OwnServer(plan, cores)
    return Server(*plan.serve_options, *options, cores=cores)


def measured_at(server: ArmServer) -> dict[str, Any]:
    """Where a block finds the server, and the processes whose figures it has."""
    return {"urls": server.urls, "server_pids": server.pids, "partner_pids": server.partners}


def run_setups(plans: tuple[ArmPlan, ...]) -> None:
    """Run what prepares the applications, each once. Raises ChildError with the last lines of what failed."""
    done = set()
    for plan in plans:
        setup = (plan.setup, plan.cwd, *sorted(plan.env.items()))
        if plan.setup and setup not in done:
            done.add(setup)
            run_step(plan.setup, f"arm {plan.id}: setup", folder=plan.cwd, environment=plan.env)


def versions_there(plan: ArmPlan, server: ArmServer) -> dict[str, str]:
    """The versions in the environment of an application in Python that a command started; else nothing."""
    if not isinstance(server, OwnServer):
        return {}
    try:
        words = psutil.Process(server.pid).cmdline()
    except psutil.Error:
        return {}
    return versions_of(words[0], folder=plan.cwd, environment=plan.env) if words else {}


def check_played(load: LoadPlan, connection: ConnectionOptions) -> None:
    """Raise ChildError for a locustfile that cannot be played."""
    if load.locustfile:
        if connection.auth is not None:
            raise ChildError("auth goes with a scenario; users of a locustfile call self.connect(auth=...)")
        check_locustfile(load.locustfile)


def look_at(plan: ArmPlan, server: ArmServer, load: LoadPlan, connection: ConnectionOptions) -> None:
    """Raise ChildError if clients of this load are not let in, or get no answer in a short trial."""
    if not plan.load:
        return
    name, hint, soon = f"scenario {load.scenario}", "; --scenario call plays events of your own", {}
    if load.locustfile:
        name, hint = Path(load.locustfile).name, ""
    else:
        let_in(server.urls[0], load, connection)
        if not issubclass(SCENARIOS[load.scenario], RoundTripScenario):
            return
        # With a low rate nothing may be due in so short a time.
        paced = {"rate", "total_rate"} & set(load.parameters)
        soon = {"rate": TRIAL_RATE, "total_rate": 0.0} if paced else {}
    with BlockGenerator() as generator:
        for transport in load.transports:
            request = {**load.block(transport), **connection.to_json(), **TRIAL, **soon, "urls": server.urls}
            block = generator.measure(request, TRIAL_SECONDS)
            if block.errors and not block.operations:
                kinds = ", ".join(block.error_kinds)
                raise ChildError(f"over {transport}: {name} got no answer in a short trial ({kinds}){hint}")


def let_in(url: str, load: LoadPlan, connection: ConnectionOptions) -> None:
    """Raise ChildError if clients are not let in, or would send more than the server takes."""
    played = make_options(load.scenario, load.parameters)
    too_large: list[str] = []
    for transport in load.transports:
        problem = problem_with_scenario(
            url,
            load.scenario,
            played,
            transport=transport,
            connection=connection,
            warn=too_large.append,
        )
        # Every connection would end at its first message, which is no figure of a server.
        if said := [*filter(None, (problem,)), *too_large]:
            raise ChildError(f"over {transport}: {said[0]}")
