"""Everything that a gate was asked for, checked, in one frozen object; and the words for wrong input."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from load.servers.command import CommandError, split_command
from reports.gate.rule import Thresholds
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.commandline.nearest import unknown

__all__ = [
    "DEFAULT_CELLS",
    "Cell",
    "GateError",
    "Plan",
    "Settings",
    "parse_duration",
    "parse_share",
    "read_config",
]


class GateError(RuntimeError):
    """The gate cannot go on: exit code 2; one line."""


TRANSPORTS = ("websocket", "polling")
SCENARIOS = ("ack", "echo")
DEFAULT_CELLS = ("threading:websocket", "eventlet:websocket", "gevent:websocket", "gevent:polling")
CONFIG_KEYS = (
    "answer", "arguments", "auth", "base", "base_command", "base_with", "budget", "ca_file", "cell",
    "command", "cookie", "event", "exact", "fail_on", "head", "head_command", "head_with", "header",
    "locustfile", "match", "mode", "namespace", "on_start", "out", "path", "query", "ready", "setup",
    "tolerance",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One way to load both sides; no mode for an application of one's own."""

    mode: str | None
    transport: str
    scenario: str

    @property
    def id(self) -> str:
        """`gevent:websocket`, with the scenario where it is not `ack`."""
        told = "" if self.scenario in ("ack", "event", "tasks") else self.scenario
        return ":".join(filter(None, (self.mode, self.transport, told)))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is compared: "revisions", "packages" or "commands"; base and head are said accordingly."""

    kind: str
    base: tuple[str, ...]
    head: tuple[str, ...]
    command: str | None = None
    setup: str | None = None
    ready: str | None = None
    repository: Path = Path()


@dataclass(frozen=True, slots=True)
class Settings:
    """The gate. Times in seconds."""

    plan: Plan
    cells: tuple[Cell, ...]
    message: dict[str, Any] | None = None
    """The event of an application, as `load.playing.messages.Message`; None for the contract's."""
    on_start: tuple[dict[str, Any], ...] = ()
    """What each connection sends before it, in the same way."""
    locustfile: Path | None = None
    """Its users play tasks in place of an event."""
    connection: ConnectionOptions = field(default_factory=ConnectionOptions)
    namespace: str = "/"
    budget: float = 300.0
    thresholds: Thresholds = field(default_factory=Thresholds)
    fail_on: str = "regression"
    exact: tuple[str, ...] = ()
    out: Path = Path("gate-out")
    realtime: bool = True
    conformance: bool = True
    counters: bool = True
    seed: int = 0
    command_line: str = ""

    @property
    def reference(self) -> bool:
        """Whether both sides are servers with the contract, and no application of one's own."""
        return self.message is None and self.locustfile is None

    @property
    def unit(self) -> Literal["message", "task"]:
        """What CPU and counts are given for."""
        return "message" if self.locustfile is None else "task"


def parse_duration(text: str) -> float:
    """Seconds of `90`, `90s`, `5m` or `1h`. Raises ValueError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text)
    if found is None:
        raise ValueError(f"{text!r} is no time such as 90s or 5m")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def parse_share(text: str) -> float:
    """.05 of `5%` or `5`. Raises ValueError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%?\s*", text)
    if found is None or not 0 < float(found[1]) <= 100:
        raise ValueError(f"{text!r} is no share such as 5%")
    return float(found[1]) / 100


def parse_cell(text: str, *, reference: bool, modes: tuple[str, ...]) -> Cell:
    """`gevent:websocket:echo` for the reference server, `websocket` for an application. Raises GateError."""
    parts = text.split(":")
    mode = parts.pop(0) if reference and parts[0] not in TRANSPORTS else None
    if reference and mode is None:
        raise GateError(f"--cell {text!r} names no async mode; write it as gevent:websocket")
    if mode is not None and mode not in modes:
        raise GateError(f"--cell {text!r}: {unknown('mode', mode, modes)}")
    transport = parts.pop(0) if parts else "websocket"
    if transport not in TRANSPORTS:
        raise GateError(f"--cell {text!r}: {unknown('transport', transport, TRANSPORTS)}")
    scenario = parts.pop(0) if parts else "ack" if reference else "event"
    if reference and scenario not in SCENARIOS:
        raise GateError(f"--cell {text!r}: {unknown('scenario', scenario, SCENARIOS)}")
    if parts or (not reference and scenario != "event"):
        raise GateError(f"--cell {text!r} has too many parts; an application's cell is a transport")
    return Cell(mode, transport, scenario)


def read_config(path: Path | None, folder: Path) -> dict[str, Any]:
    """The options in a file: `[gate]` of sioprobe.toml, or `[tool.sioprobe.gate]` of pyproject.toml.

    Raises GateError.
    """
    candidates = [path] if path is not None else [folder / "sioprobe.toml", folder / "pyproject.toml"]
    for file in candidates:
        try:
            document = tomllib.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            if path is not None:
                raise GateError(f"{file}: there is no such file") from None
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise GateError(f"{file}: cannot be read: {error}") from None
        except tomllib.TOMLDecodeError as error:
            raise GateError(f"{file}: not TOML: {error}") from None
        section = "tool.sioprobe.gate" if file.name == "pyproject.toml" else "gate"
        table: Any = document
        for name in section.split("."):
            table = table.get(name, {}) if isinstance(table, dict) else {}
        if table or path is not None:
            found = _checked(table, f"{file.name}: [{section}]")
            if "locustfile" in found:
                found["locustfile"] = str(file.parent / found["locustfile"])
            return found
    return {}


def _checked(table: dict[str, Any], where: str) -> dict[str, Any]:
    values = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in CONFIG_KEYS:
            known = [entry.replace("_", "-") for entry in CONFIG_KEYS]
            raise GateError(f"{where} has an {unknown('key', key, known)}")
        if name in ("arguments", "auth", "on_start") and not isinstance(value, str):
            value = json.dumps(value)
        many = name in (
            "cell", "mode", "exact", "base_with", "head_with", "header", "cookie", "query", "on_start",
        )  # fmt: skip
        if many and isinstance(value, str):
            value = [value]
        if not isinstance(value, list if many else (str, int, float)) or isinstance(value, bool):
            raise GateError(f"{where} {key} should be {'a list' if many else 'a text'}")
        values[name] = list(map(str, value)) if isinstance(value, list) else str(value)
    return values


def words_of(command: str, option: str) -> tuple[str, ...]:
    """A command's words. Raises GateError."""
    try:
        return split_command(command)
    except CommandError as error:
        raise GateError(f"{option} {error}") from None
