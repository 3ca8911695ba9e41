"""A process with a line of JSON for each word, in both directions."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import secrets
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeGuard

from sioprobe.harness import user_environment
from sioprobe.host.dying import die_with_parent
from sioprobe.host.processes import descendants, descriptor_targets, threads, with_variable

__all__ = ["AgentProcess", "CannotStart", "Crash", "from_json", "is_observation", "to_json"]

LONGEST_LINE = 2**26  # bytes: an event of a megabyte, and its escapes
MARK = "SIOPROBE_PROCESS"  # an environment variable, by which children that left its process group are found
LAST_LINES = 30  # of standard error, in which the error is looked for
OUTPUT_SECONDS = 2.0  # to read the rest of its output, which a child of it may hold open
SETTLE_SECONDS = 0.15  # in which the end of a process follows the end of its connections
ERROR = re.compile(r"^\w*(Error|Exception)\b|panicked|^fatal", re.IGNORECASE)


class CannotStart(Exception):
    """The program is not there, or may not run. One line."""


class Crash(Exception):
    """The process of the client ended in the middle of a case. The message has its code and last lines."""


class AgentProcess:
    """A running program. `heard` gets each object that it writes, `printed` each other line."""

    def __init__(self, process: asyncio.subprocess.Process, mark: str) -> None:
        self._process = process
        self._mark = mark  # in the environment of all that it starts
        self._errors: deque[str] = deque(maxlen=LAST_LINES)
        self.heard: Callable[[dict[str, Any]], None] = lambda word: None
        self.printed: Callable[[str], None] = lambda line: None
        self.at_end: Callable[[], None] = lambda: None
        self.code: int | None = None  # once it has ended; below 0: of a signal
        self._reading = [asyncio.create_task(self._read()), asyncio.create_task(self._read_errors())]
        self._waiting = asyncio.create_task(self._wait())

    @classmethod
    async def start(cls, command: Sequence[str], more: Mapping[str, str]) -> AgentProcess:
        """Start the program with these further environment variables. Raises CannotStart."""
        mark = secrets.token_hex(8)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**user_environment(), **more, MARK: mark},
                limit=LONGEST_LINE,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, os.getpid(), signal.SIGKILL),
            )
        except OSError as error:
            raise CannotStart(f"{command[0]}: {error.strerror}") from None
        return cls(process, mark)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:  # longer than any line that we wait for
                continue
            if not line:
                break
            self._take(line.decode("utf-8", "replace").rstrip())

    async def _wait(self) -> None:
        output, errors = self._reading
        while self._process.returncode is None:  # `Process.wait` waits for children that hold a pipe, too
            await (asyncio.sleep(0.02) if output.done() else asyncio.wait({output}, timeout=0.2))
        await asyncio.wait({output}, timeout=OUTPUT_SECONDS)
        self.code = self._process.returncode
        await asyncio.wait({errors}, timeout=SETTLE_SECONDS)
        self.at_end()

    def _take(self, line: str) -> None:
        try:
            word = json.loads(line)
        except (ValueError, RecursionError):
            word = None
        if is_observation(word):
            self.heard(word)
        elif line:
            self.printed(line)

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        with contextlib.suppress(ValueError):
            while line := await self._process.stderr.readline():
                self._errors.append(line.decode("utf-8", "replace").rstrip())

    def tell(self, command: Mapping[str, Any]) -> None:
        """Write one command. A process that has ended does not read it."""
        if self.code is None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(json.dumps(to_json(command)).encode() + b"\n")

    @property
    def ended(self) -> bool:
        return self.code is not None

    def crash(self) -> Crash:
        """What is known about its end."""
        code = self.code or 0
        how = f"of signal {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
        last = self.last_error()
        return Crash(f"the process of the client ended {how}" + (f": {last}" if last else ""))

    def holds(self) -> dict[str, int]:
        """How many `sockets` and `threads` it has, with all that it started; 0 where there is no /proc."""
        held = {"sockets": 0, "threads": 0}
        for pid in descendants(self._process.pid):
            held["threads"] += len(threads(pid))
            with contextlib.suppress(PermissionError):
                held["sockets"] += sum(target.startswith("socket:") for target in descriptor_targets(pid))
        return held

    def last_error(self) -> str | None:
        """The last line of standard error that looks like an error, else the last line."""
        lines = [line.strip() for line in reversed(self._errors) if line.strip()]
        return next((line for line in lines if ERROR.search(line)), lines[0] if lines else None)

    async def settle(self) -> None:
        """A process that lives is seen to live."""

    async def kill(self) -> None:
        """End it with all that it started, and wait for it."""
        self.at_end = lambda: None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        for pid in with_variable(MARK, self._mark):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.wait([*self._reading, self._waiting], timeout=2)
        for task in [*self._reading, self._waiting]:
            task.cancel()


def is_observation(word: Any) -> TypeGuard[dict[str, Any]]:
    """Whether it is an object that says what it is."""
    return isinstance(word, dict) and isinstance(word.get("seen"), str)


def to_json(value: Any) -> Any:
    """A value for a command: bytes are `{"$bin": base64}`."""
    if isinstance(value, bytes):
        return {"$bin": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {key: to_json(one) for key, one in value.items()}
    return [to_json(one) for one in value] if isinstance(value, (list, tuple)) else value


def from_json(value: Any) -> Any:
    """A value of an observation, with its bytes."""
    if isinstance(value, dict):
        if set(value) == {"$bin"} and isinstance(value["$bin"], str):
            with contextlib.suppress(ValueError):
                return base64.b64decode(value["$bin"], validate=True)
        return {key: from_json(one) for key, one in value.items()}
    return [from_json(one) for one in value] if isinstance(value, list) else value
