"""The client that is judged. `conformance.finding.client` makes a ClientTarget."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from conformance.client.revisions import REVISION_4, Revision
from conformance.requirements import FEATURES, Requirement, Role
from conformance.subject import Subject

__all__ = ["ClientTarget"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTarget(Subject):
    """A client, and the program that plays its application.

    `given` is what the user wrote after `--client`, `command` what is started. `features` are those that its
    agent declares; a program without an agent has none. `fresh`: each case wants a process of its own.
    `address`: nothing is started, agents come, and stages listen at this address. `given` then is what the
    user wrote after `--client-listen`.
    `revision` is what its first request says that it speaks.
    """

    given: str
    command: tuple[str, ...] = ()
    address: str | None = None
    features: frozenset[str] = frozenset()
    fresh: bool = False
    revision: Revision = REVISION_4

    @property
    def role(self) -> Role:
        return "client"

    @property
    def where(self) -> str:
        return self.given if self.address is None else shlex.join(self._words())

    def described(self) -> str:
        lacks = [name for name in FEATURES if name not in self.features]
        without = f", without {', '.join(lacks)}" if lacks and self.level else ""
        how = "started by" if self.address is None else "whose agent comes to"
        started = f"client {self.title}, {how} {shlex.join(self.command) or self.given}"
        return f"{started}: {self.revision}, contract level {self.level}{without}"

    def words(self, requirement: Requirement) -> list[str]:
        return self._words()

    def _words(self) -> list[str]:
        return ["--client" if self.address is None else "--client-listen", self.given]

    def facts(self) -> dict[str, Any]:
        return {
            "role": "client",
            "command": self.where,
            "features": sorted(self.features),
            "revisions": [self.revision.number],
        }

    def redact(self, text: str) -> str:
        return text
