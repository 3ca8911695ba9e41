"""The commands of `serve --play`: one a line on standard input, answered by one JSON line on standard output.

    {"done": "kill queue"}
    {"error": "worker 1 is not paused"}

A command that makes no sense changes nothing. The end of standard input ends nothing.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from server_under_test.cluster.cluster import Cluster
from server_under_test.cluster.parts import Part, Worker
from server_under_test.starting.problems import Problem, unknown

OBJECTS = {
    "queue": ("kill", "start", "pause", "resume"),
    "worker": ("kill", "start", "pause", "resume"),
    "proxy": ("kill", "start"),
    "link": ("cut", "freeze", "thaw"),
}
COMMANDS = (*(f"{verb} {name}" for name, verbs in OBJECTS.items() for verb in verbs), "state")


class Player:
    """Plays the commands one after the other, in the order in which they come."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._lines: deque[str] = deque()

    def take(self, line: str) -> None:
        """Keep it for `play`: a command that waits may see the next ones come."""
        if line.strip():
            self._lines.append(line)

    def play(self) -> None:
        """Do what has come so far, and answer it."""
        while self._lines:
            try:
                answer = self._done(self._lines.popleft())
            except Problem as problem:
                answer = {"error": str(problem)}
            print(json.dumps(answer), flush=True)

    def _done(self, line: str) -> dict[str, Any]:
        words = line.split()
        number = words.pop() if words[-1].isdecimal() else None
        command = " ".join(words)
        if command not in COMMANDS:
            raise unknown("command", command, COMMANDS)
        verb, _, name = command.partition(" ")
        done = {"done": f"{command} {number}" if number else command}
        if name == "worker":
            self._move(verb, self._worker(command, number))
        elif name == "link":
            self._link(verb, number)
        elif number is not None:
            raise Problem(f"{command!r} takes no number")
        elif verb == "state":
            return {**done, **self._state()}
        else:
            self._move(verb, self._cluster.queue if name == "queue" else self._cluster.proxy)
        return done

    def _worker(self, command: str, number: str | None) -> Worker:
        """Raises Problem, also for None."""
        workers = {str(worker.number): worker for worker in self._cluster.workers}
        if number is None:
            raise Problem(f"{command!r} needs the number of a worker (one of: {', '.join(workers)})")
        if number not in workers:
            raise unknown("worker", number, workers)
        return workers[number]

    def _move(self, verb: str, part: Part | None) -> None:
        """Kill, start, pause or resume the part. Raises Problem where that makes no sense."""
        if part is None:
            raise Problem("there is no proxy")
        state = part.state
        if state == "no process of ours":
            raise Problem(f"{part.title} has no process that was started here")
        if verb == "start" and state != "ended":
            raise Problem(f"{part.name} runs already; it is {state}")
        if verb != "start" and state == "ended":
            raise Problem(f"{part.name} does not run")
        if verb == "pause" and state == "paused":
            raise Problem(f"{part.name} is paused already")
        if verb == "resume" and state != "paused":
            raise Problem(f"{part.name} is not paused")
        # A queue that does not run refuses connections. So does the way to it.
        links = self._cluster.links if part is self._cluster.queue else None
        if links is not None and verb == "kill":
            links.tell("close")
        if isinstance(part, Worker) and verb == "start":
            part.begin(self._cluster.watch)
            self._cluster.wait_until_ready(part)
        else:
            getattr(part, verb)()
        if links is not None and verb == "start":
            links.tell("open")

    def _link(self, verb: str, number: str | None) -> None:
        links = self._cluster.links
        if links is None:
            raise Problem("this queue has no links")
        numbers = [worker.number for worker in self._cluster.workers]
        if number is not None:
            numbers = [self._worker("", number).number]
        if verb != "cut":
            freeze = verb == "freeze"
            numbers = [each for each in numbers if links.frozen[each - 1] != freeze]
            if not numbers:
                names = f"link {number} is" if number else "all links are"
                raise Problem(f"{names} frozen already" if freeze else f"{names} not frozen")
            for each in numbers:
                links.frozen[each - 1] = freeze
        links.tell(verb, numbers)

    def _state(self) -> dict[str, Any]:
        cluster = self._cluster
        assert cluster.queue is not None
        frozen = cluster.links.frozen if cluster.links else None
        return {
            "queue": {"state": cluster.queue.state, "pids": cluster.queue.pids},
            "workers": [
                {
                    "number": worker.number,
                    "state": worker.state,
                    "pids": worker.pids,
                    "link": None if frozen is None else "frozen" if frozen[worker.number - 1] else "open",
                }
                for worker in cluster.workers
            ],
            "proxy": {"state": cluster.proxy.state, "pids": cluster.proxy.pids} if cluster.proxy else None,
        }
