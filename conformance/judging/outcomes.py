"""A case on one transport, and what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from conformance.client.steps import Attempt
from conformance.client.transcript import Entry
from conformance.requirements import Requirement
from conformance.verdicts import Judgement

__all__ = ["Cause", "Outcome", "Question"]


@dataclass(frozen=True, slots=True)
class Question:
    """One case on one transport."""

    name: str  # of the function
    file: str
    requirement: Requirement
    transport: str | None
    run: Callable[..., Awaitable[None]]
    exclusive: bool = False
    slow: bool = False
    last: bool = False
    crowd: str | None = None  # of an exclusive case: the others beside which it runs far away (`crowd`)

    @property
    def label(self) -> str:
        return f"{self.name}[{self.transport}]" if self.transport else self.name


@dataclass(frozen=True, slots=True)
class Cause:
    """Why many cases could not be judged: `what` happened, and its `detail`: what was seen, what helps."""

    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case. `error` is for the traceback of our own mistakes."""

    judgement: Judgement
    closed: str | None = None
    transcript: list[Entry] = field(default_factory=list)
    seconds: float = 0.0
    error: BaseException | None = None
    earlier: str | None = None  # what came of the tries before this one
    unjoined: float = 0.0  # seconds after which the server closed a session that had joined no namespace
    overdue: bool = False  # a session was closed, perhaps because the server missed a pong
    in_vain: bool = False  # something did not come in time
    started: float = 0.0  # on the monotonic clock
    attempts: tuple[Attempt, ...] = ()
    cause: Cause | None = None  # of a case that was not judged
