"""Who is judged, a server or a client, as the known deviations and the reports see it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from conformance.requirements import Requirement, Role

__all__ = ["Subject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(ABC):
    """What is known about whoever is judged. `level` is the contract level.

    `versions` are those of the packages that it is made of, as far as they are known. `found` says how that
    was found out, if its process told it, and `shown` the versions of the packages in that process.
    `unlisted`: no known deviation shall apply. `named`: the user or the subject itself named the library, so
    that it is no guess. `switches`: what is on or off. `queue`: what joins a server with other processes.

    `options` are those of the command line that a verdict depends on.
    """

    level: int
    library: str | None = None
    version: str | None = None
    mode: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    found: str | None = None
    shown: dict[str, str] = field(default_factory=dict)
    named: bool = True
    unlisted: bool = False
    switches: dict[str, bool] = field(default_factory=dict)
    queue: str | None = None
    title: str = ""
    note: str | None = None
    options: tuple[str, ...] = ()

    @property
    @abstractmethod
    def role(self) -> Role:
        """Whether it is a server or a client."""

    @property
    @abstractmethod
    def where(self) -> str:
        """Its URL, or the command that starts it."""

    @abstractmethod
    def described(self) -> str:
        """One line about it, for the head of a run."""

    def remarks(self) -> Iterable[str]:
        """More lines for the head of a run."""
        return [self.note] if self.note else []

    @abstractmethod
    def words(self, requirement: Requirement) -> list[str]:
        """The options that name it on the command line of a case."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What the result file says about it (`sioprobe.results.types.Target`)."""

    @abstractmethod
    def redact(self, text: str) -> str:
        """`text` without what the user keeps secret."""
