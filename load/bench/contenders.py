"""Who is measured, and how each is started for an operation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from load.bench import artillery
from load.bench.compiled import NotCompiled, compiled
from load.bench.measuring import CountFailures, Plan, Start
from load.scenarios import SCENARIOS
from sioprobe.harness import harness_root, module_command

__all__ = ["CONTENDERS", "Contender"]

HERE = Path(__file__).resolve().parent
SCENARIO = {"acks": "ack", "deliveries": "fanout", None: "idle"}


@dataclass(frozen=True, slots=True)
class Contender:
    """`missing()` says in a line why it cannot be run here, or None."""

    name: str
    start: Start
    count_failures: CountFailures
    missing: Callable[[], str | None] = lambda: None


def locust(locustfiles: str, url: str, plan: Plan, *arguments: str) -> list[str]:
    """Locust, headless, until it is told to stop."""
    # A thousand users a second: more at once and the kernel drops what the server has not accepted yet.
    return module_command(
        "locust",
        *("-f", locustfiles, "--headless", "--only-summary", "--skip-log", "--json"),
        *("-u", str(plan.users), "-r", str(min(plan.users, 1000)), "--host", url, *arguments),
    )


def start_swarm(
    url: str, plan: Plan, folder: Path, *, events: str = "batch"
) -> tuple[list[str], dict[str, str]]:
    """`load/swarm.py` with the scenario that does the operation."""
    arguments = ["--scenario", SCENARIO[plan.operation], "--transport", plan.transport]
    arguments += ["--sio-events", events, "--summary-json", str(folder / "summary.json")]
    # One that the scenario does not know would be refused.
    known = {parameter.name for parameter in SCENARIOS[SCENARIO[plan.operation]].parameters}
    for name, value in (("payload_bytes", plan.payload_bytes), ("room_size", plan.users)):
        if name in known:
            arguments += ["--" + name.replace("_", "-"), str(value)]
    if plan.rate is not None:
        arguments += ["--total-rate", str(plan.rate)]
    files = str(harness_root() / "load" / "swarm.py")
    if events == "fire":
        files += f",{HERE / 'locustfiles' / 'listener.py'}"
    return locust(files, url, plan, *arguments), {}


def start_locustfile(name: str, url: str, plan: Plan, folder: Path) -> tuple[list[str], dict[str, str]]:
    """A locustfile of this folder, which reads its plan from the environment."""
    words = {
        "operation": plan.operation,
        "transport": plan.transport,
        "users": plan.users,
        "payload_bytes": plan.payload_bytes,
        "rate": plan.rate,
    }
    return locust(str(HERE / "locustfiles" / name), url, plan), {"SIOPROBE_BENCH": json.dumps(words)}


def failures_of_locust(folder: Path) -> int | None:
    """The failures in the statistics that `--json` prints at the end."""
    text = (folder / "stdout").read_text(encoding="utf-8")
    try:
        return sum(int(entry["num_failures"]) for entry in json.loads(text[text.index("[") :]))
    except ValueError:
        return None


def start_epoll_loop(url: str, plan: Plan, folder: Path) -> tuple[list[str], dict[str, str]]:
    """The C program with the same operation."""
    where = urlsplit(url)
    what = "ack" if plan.operation == "acks" else "deliver"
    words = [str(where.hostname), str(where.port), str(plan.users), what, str(plan.payload_bytes)]
    pace = [] if plan.rate is None else [str(plan.rate)]
    return [str(compiled("epoll_loop")), *words, *pace], {}


def failures_of_epoll_loop(folder: Path) -> int | None:
    """What the C program prints when it ends."""
    lines = (folder / "stdout").read_text(encoding="utf-8").splitlines()
    return int(json.loads(lines[-1])["failures"]) if len(lines) > 1 else None


def epoll_loop_missing() -> str | None:
    """Why the C program is not run, or None."""
    try:
        compiled("epoll_loop")
    except NotCompiled as why:
        return str(why)
    return None


CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender("sioprobe", start_swarm, failures_of_locust),
        Contender("sioprobe, events fired", partial(start_swarm, events="fire"), failures_of_locust),
        Contender("sioprobe, tasks", partial(start_locustfile, "tasks.py"), failures_of_locust),
        Contender("locust.contrib.socketio", partial(start_locustfile, "contrib.py"), failures_of_locust),
        Contender("Artillery", artillery.start, artillery.count_failures, artillery.missing),
        Contender("C epoll loop", start_epoll_loop, failures_of_epoll_loop, epoll_loop_missing),
    )
}
