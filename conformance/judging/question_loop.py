"""One asyncio loop for all cases of a run: most of them only wait, so they run at the same time."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from conformance.judging.outcomes import Outcome, Question
from conformance.judging.standstill import StandstillWatch
from conformance.verdicts import Verdict

__all__ = ["QuestionLoop"]

TELL_SECONDS = 0.2  # between two lines of progress


class QuestionLoop(ABC):
    """All cases are tasks from the start. Whoever asks for one outcome drives the loop for all of them.

    `heartbeat` is the shortest time in seconds within which somebody must be heard. Without `loop`, it is a
    new one.
    """

    def __init__(self, heartbeat: float, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.new_event_loop()
        self._standstill = StandstillWatch(heartbeat)
        self._alone = asyncio.Lock()
        self._tasks: dict[Question, asyncio.Task[Outcome]] = {}
        self._helpers: list[asyncio.Task[None]] = []
        self._tried: dict[Question, asyncio.Future[None]] = {}  # done after the first try
        self._outcomes: dict[Question, Outcome] = {}
        self.at_once = False  # without looking for a cause behind all failures
        self.counts: Counter[Verdict] = Counter()
        self.on_progress: Callable[[Mapping[Verdict, int]], None] | None = None

    def start(self, questions: Iterable[Question]) -> None:
        """Queue the cases."""
        self._helpers.append(self._loop.create_task(self._standstill.beat()))
        if self.on_progress is not None:
            self._helpers.append(self._loop.create_task(self._tell(self.on_progress)))
        self._queue(questions)

    @abstractmethod
    def _queue(self, questions: Iterable[Question]) -> None:
        """Make a task of each case, by `_add`."""

    def _add(self, question: Question, asking: Coroutine[Any, Any, Outcome]) -> asyncio.Task[Outcome]:
        self._tried[question] = self._loop.create_future()
        self._tasks[question] = self._loop.create_task(asking)
        return self._tasks[question]

    def outcome(self, question: Question) -> Outcome:
        """The outcome of one case. Runs the loop until it is there."""
        return self._loop.run_until_complete(self._tasks[question])

    def outcomes_so_far(self) -> list[tuple[Question, Outcome]]:
        """What is judged, in the order in which that ended. A cause was not looked for."""
        return [*self._outcomes.items()]

    def stop(self) -> None:
        """Cancel what has not ended."""
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        tasks: list[asyncio.Task[Any]] = [*self._tasks.values(), *self._helpers]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _judged(self, question: Question, outcome: Outcome) -> None:
        self._outcomes[question] = outcome
        self.counts[outcome.judgement.verdict] += 1

    async def _tell(self, show: Callable[[Mapping[Verdict, int]], None]) -> None:
        while True:
            show(self.counts)
            await asyncio.sleep(TELL_SECONDS)
