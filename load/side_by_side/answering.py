"""A long-lived process that answers each request, a JSON line, by a JSON line; end of input ends it.

A request that cannot be answered gets `{"error": "one line", "side": name or null, "ended": false}`, and
the next may follow; `ended` says that the side's server has ended by itself. SIGTERM ends the process and
everything that it started.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import gevent

from load.side_by_side.asking import LifeError, LifeRequest
from load.watching import proc
from sioprobe.engine import SwarmError

__all__ = ["answer", "answer_all"]

Measure = Callable[[LifeRequest], dict[str, Any]]


def answer(line: str, measure: Measure) -> dict[str, Any]:
    """What is written for one line of input."""
    try:
        return measure(LifeRequest.from_json(json.loads(line)))
    except LifeError as error:
        return _error(str(error), error.side, ended=error.ended)
    except SwarmError as error:
        return _error(str(error))
    except json.JSONDecodeError as error:
        return _error(f"not JSON: {error}")
    except Exception as error:  # the caller decides whether it goes on
        return _error(f"internal error: {type(error).__name__}: {error}".replace("\n", " "))


def _error(line: str, side: str | None = None, *, ended: bool = False) -> dict[str, Any]:
    return {"error": line, "side": side, "ended": ended}


def _end(_number: int, _frame: Any) -> NoReturn:
    """Nothing that a server started may outlive this process, however deep it is in a wait."""
    for pid in proc.descendants(os.getpid()) - {os.getpid()}:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    os._exit(128 + signal.SIGTERM)


def answer_all(measure: Measure) -> int:
    """Answer requests until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    # Nothing but answers may reach the caller's pipe.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # A connection that is cut at the end of a life is no news.
    gevent.get_hub().exception_stream = None
    while line := sys.stdin.readline():
        if line.strip():
            out.write(json.dumps(answer(line, measure), separators=(",", ":")) + "\n")
            out.flush()
    return 0
