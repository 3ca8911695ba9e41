"""The client that is judged. `conformance.finding.client` makes a ClientTarget."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from conformance.requirements import FEATURES, Requirement, Role
from conformance.subject import Subject

__all__ = ["ClientTarget"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTarget(Subject):
    """A client, and the program that plays its application.

    `given` is what the user wrote after `--client`, `command` what is started. `features` are those that its
    agent declares; a program without an agent has none. `fresh`: each case wants a process of its own.
    """

    given: str
    command: tuple[str, ...]
    features: frozenset[str] = frozenset()
    fresh: bool = False

    @property
    def role(self) -> Role:
        return "client"

    @property
    def where(self) -> str:
        return self.given

    def described(self) -> str:
        lacks = [name for name in FEATURES if name not in self.features]
        without = f", without {', '.join(lacks)}" if lacks and self.level else ""
        started = f"client {self.title}, started by {shlex.join(self.command)}"
        return f"{started}: contract level {self.level}{without}"

    def words(self, requirement: Requirement) -> list[str]:
        return ["--client", self.given]

    def facts(self) -> dict[str, Any]:
        return {"role": "client", "command": self.given, "features": sorted(self.features)}

    def redact(self, text: str) -> str:
        return text
