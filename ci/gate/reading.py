"""From the options of the command to one `Settings`: what is compared, and what loads both sides."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ci.gate.settings import (
    DEFAULT_CELLS,
    TRANSPORTS,
    Cell,
    GateError,
    Plan,
    Settings,
    parse_cell,
    words_of,
)
from load.playing.messages import NONE, Message, starts_of
from load.playing.parameters import ParameterError
from load.servers.command import CommandError, check_ready
from load.servers.processes import ChildError, check_locustfile, known_servers
from reports.gate.rule import Thresholds

__all__ = ["settings_of"]


def settings_of(given: dict[str, Any], thresholds: Thresholds) -> Settings:
    """The options by their names in Python, checked together. Raises GateError."""
    if given["exact"] and given["no_counters"]:
        raise GateError("--exact wire needs the counts; leave out --no-counters")
    reference = given["event"] is None and given["locustfile"] is None
    plan = _plan(given, reference=reference)
    cells = _cells(given, reference=reference)
    return Settings(
        plan=plan,
        cells=cells,
        message=_message(given) if given["event"] is not None else None,
        on_start=() if reference else _starts(given),
        locustfile=_locustfile(given),
        connection=given["connection"],
        namespace=given["namespace"],
        budget=given["budget"],
        thresholds=thresholds,
        fail_on=given["fail_on"],
        exact=given["exact"],
        out=given["out"],
        realtime=not given["no_realtime"],
        conformance=not given["no_conformance"],
        counters=not given["no_counters"],
        seed=given["seed"],
        command_line=given["connection"].redact(shlex.join(["sioprobe", "gate", *sys.argv[1:]])),
    )


def _locustfile(given: dict[str, Any]) -> Path | None:
    """Where it is. Raises GateError where it cannot be played, or other options say what is played."""
    if given["locustfile"] is None:
        return None
    if given["event"] is not None:
        raise GateError("--event and --locustfile say two different things; give one")
    plain = {"arguments": "[]", "answer": "ack", "match": "", "on_start": (), "namespace": "/"}
    for name, default in plain.items():
        if given[name] != default:
            option = name.replace("_", "-")
            raise GateError(f"--{option} goes with --event; the tasks of --locustfile say it themselves")
    if given["connection"].auth is not None:
        raise GateError("--auth goes with --event; users of --locustfile call self.connect(auth=...)")
    path: Path = given["locustfile"].resolve()
    try:
        check_locustfile(str(path))
    except ChildError as error:
        raise GateError(f"--locustfile {error}") from None
    return path


def _plan(given: dict[str, Any], *, reference: bool) -> Plan:
    ready = given["ready"]
    if ready is not None:
        try:
            check_ready(ready)
        except CommandError as error:
            raise GateError(f"--ready {error}") from None
    commands = given["base_command"], given["head_command"]
    packages = given["base_with"], given["head_with"]
    if any(commands) and any(packages):
        raise GateError("--base-command and --base-with say two different things; give one pair")
    if any(commands):
        if not all(commands):
            raise GateError("--base-command and --head-command go together")
        base, head = (
            words_of(command, option)
            for command, option in zip(commands, ("--base-command", "--head-command"), strict=True)
        )
        return Plan("commands", base, head, ready=ready)
    if any(packages):
        # Without an event or tasks it is the reference server, whatever a file says of an application.
        command = None if reference else given["command"]
        if command is not None and "/" in words_of(command, "--command")[0]:
            raise GateError(f"--command {command!r} would not see the packages: begin it with `python`")
        return Plan("packages", *packages, command=command, ready=ready)
    base_revision, head_revision = given["base"] or "", given["head"] or ""
    return Plan(
        "revisions", (base_revision,), (head_revision,), given["command"], given["setup"], ready,
        Path(given["repository"]),
    )  # fmt: skip


def _cells(given: dict[str, Any], *, reference: bool) -> tuple[Cell, ...]:
    if not reference:
        if given["mode"]:
            raise GateError("--mode is for the reference server; an application's cells are transports")
        wanted = given["cell"] or TRANSPORTS
        cells = [parse_cell(text, reference=False, modes=()) for text in dict.fromkeys(wanted)]
        return tuple(replace(cell, scenario="tasks") if given["locustfile"] else cell for cell in cells)
    wanted = [*given["cell"], *(f"{mode}:websocket" for mode in given["mode"])]
    if not wanted and given["base_command"] and "{mode}" not in given["base_command"]:
        # One server with the contract, of whatever mode.
        return (Cell(None, "websocket", "ack"),)
    if given["base_command"] and "{mode}" not in given["base_command"]:
        moded = next((text for text in wanted if text.split(":")[0] not in TRANSPORTS), None)
        if moded is not None:
            raise GateError(f"--cell {moded!r} names a mode, but --base-command has no {{mode}}")
        cells = [parse_cell(f"threading:{text}", reference=True, modes=("threading",)) for text in wanted]
        return tuple(replace(cell, mode=None) for cell in cells)
    modes = tuple(known_servers().modes)
    return tuple(
        parse_cell(text, reference=True, modes=modes) for text in dict.fromkeys(wanted or DEFAULT_CELLS)
    )


def _message(given: dict[str, Any]) -> dict[str, Any]:
    try:
        keys = ("event", "arguments", "answer", "match")
        message = Message.of({key: given[key] for key in keys}, given["namespace"])
        if message.answer == NONE:
            raise ParameterError("answer", "none leaves nothing to measure")
    except ParameterError as error:
        raise GateError(f"--{error.name} {error.problem}") from None
    return asdict(message)


def _starts(given: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    texts = given["on_start"]
    try:
        # One text, that of a file, may be an array itself.
        found = starts_of(texts[0] if len(texts) == 1 else json.dumps(texts), given["namespace"])
    except ParameterError as error:
        raise GateError(f"--on-start {error.problem}") from None
    return tuple(map(asdict, found))
