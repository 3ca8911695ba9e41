"""All arms of a comparison at the same time: the lives from which `reports` ranks them.

A life starts the arms together, drives them in turns over each transport, and ends them
(`load.side_by_side`). Each life is appended to `lives.jsonl` at once. An arm that fails in a life is left out
of it, and after its second failure of all that follow; its reason is a line of the same file.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from load.comparing.arms import ArmPlan, command_of
from load.comparing.plan import LoadPlan, Profile
from load.comparing.progress import Progress
from load.playing.messages import ACK
from load.scenarios import make_options
from load.scenarios.call import as_life
from load.servers.processes import ChildError, Driver
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.results.files import LIVES_FILE, append_life, read_lives

__all__ = ["comparable", "measure_lives", "played", "side_of", "told"]

TRANSPORTS = ("polling", "websocket")
"""Those that a life can play."""
LIFE_SECONDS = 300.0
START_SECONDS = 60.0
FAILURES = 2
"""So often may an arm fail; so many lives may be lost for another reason."""
WARMUP, TURNS, UNDISTURBED_TURNS = 0.05, 0.45, 0.6
"""Seconds of a life for each of its arms and transports. Among others more turns say no more."""
MOST_ROUNDS = 24


def side_of(arm: ArmPlan) -> dict[str, Any]:
    """How a life starts the arm, as `load.side_by_side.asking.Side`."""
    return {"name": arm.id, **asdict(command_of(arm))}


def comparable(arms: Sequence[ArmPlan], load: LoadPlan) -> list[ArmPlan]:
    """Those that a life can start: one process, no URL, and for own applications an event that they know."""
    known = bool(load.locustfile) or load.scenario in ("call", "ack", "echo")
    return [arm for arm in arms if arm.processes == 1 and not arm.url and (known or not arm.own)]


def played(load: LoadPlan) -> dict[str, Any]:
    """What is sent and what answers it: keys of `load.side_by_side.asking.LifeRequest`.

    Every arm of `sioprobe serve` knows the events of the contract. Where a scenario is more than one message
    and its answer, an ack is what its messages cost at least.
    """
    if load.locustfile:
        return {"locustfile": load.locustfile}
    if load.scenario == "call":
        return as_life(make_options("call", load.parameters))
    if load.scenario == "echo":
        return {"message": {"event": "message", "answer": "message-back"}}
    return {"message": {"event": "message-with-ack", "answer": None}}


def told(load: LoadPlan) -> dict[str, Any]:
    """What lives.jsonl says of it: the event, and its answer unless that is an ack."""
    if load.locustfile:
        return {"locustfile": Path(load.locustfile).name}
    message = played(load)["message"]
    answer = message["answer"]
    return {"event": message["event"], "answer": None if answer == ACK else answer}


def measure_lives(
    profile: Profile,
    loaded: Sequence[ArmPlan],
    folder: Path,
    progress: Progress,
    check_stop: Callable[[], None],
    connection: ConnectionOptions,
) -> None:
    """The lives of the plan that `folder` does not have yet. `check_stop` is called before each."""
    plan = profile.side_by_side
    arms = comparable(loaded, profile.load)
    transports = [transport for transport in profile.load.transports if transport in TRANSPORTS]
    path = folder / LIVES_FILE
    known = read_lives(path) if path.exists() else []
    done = max((line["number"] for line in known if "slices" in line), default=0)
    if len(arms) < 2 or not transports or done >= plan.lives:
        return
    message = told(profile.load)
    chance = random.Random(profile.load.seed + done)
    failed: Counter[str | None] = Counter(line["arm"] for line in known if "problem" in line)
    task = progress.task("side by side", plan.lives - done)
    started, longest, driver = time.monotonic(), 0.0, Driver("load.side_by_side")
    try:
        for number in range(done + 1, plan.lives + 1):
            spent = time.monotonic() - started
            if number > plan.minimum_lives and spent + longest > plan.budget_seconds:
                break
            alive = [arm for arm in arms if failed[arm.id] < FAILURES]
            while len(alive) > 1 and failed[None] < FAILURES:
                check_stop()
                first, *others = chance.sample(transports, len(transports))
                request = {
                    "sides": [side_of(arm) for arm in alive],
                    **played(profile.load),
                    "connection": connection.to_json(),
                    "transport": first,
                    "also": others,
                    "connections": plan.connections,
                    "messages": plan.messages,
                    "warmup_seconds": WARMUP * len(alive),
                    "seconds": TURNS * len(alive),
                    "realtime_seconds": UNDISTURBED_TURNS * len(alive),
                    "most_rounds": MOST_ROUNDS,
                    "start_seconds": START_SECONDS,
                    # Under SCHED_RR threads would cost less than they do for users.
                    "realtime": False,
                    "nice": plan.priority,
                    "seed": chance.getrandbits(32),
                }
                try:
                    answer = driver.ask(request, LIFE_SECONDS)
                except ChildError as error:
                    driver.close()
                    check_stop()
                    driver = Driver("load.side_by_side")
                    answer = {"error": str(error), "side": None}
                if "error" not in answer:
                    for life in (answer, *answer.pop("also", ())):
                        append_life(path, {"number": number, "message": message, **life})
                    task.advance(f"life {number}: {len(alive)} servers")
                    break
                failed[answer["side"]] += 1
                append_life(path, {"number": number, "arm": answer["side"], "problem": answer["error"]})
                progress.say(f"life {number}: {answer['error']}")
                alive = [arm for arm in alive if arm.id != answer["side"]]
            longest = max(longest, time.monotonic() - started - spent)
    finally:
        driver.close()
    task.total = task.done
    task.advance(None, 0)
