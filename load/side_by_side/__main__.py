"""`python -m load.side_by_side`: a long-lived driver that measures one life for each request.

One JSON request a line on stdin (the fields of `LifeRequest`), one JSON answer a line on stdout; end of
input ends it. A life that cannot be measured is answered by `{"error": "one line", "side": name or null}`,
and the next may follow. SIGTERM ends it and all servers.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, NoReturn

import gevent

from load.side_by_side.asking import LifeError, LifeRequest
from load.side_by_side.life import measure_life
from load.watching import proc
from sioprobe.engine import SwarmError

__all__ = ["answer", "main"]


def answer(line: str) -> dict[str, Any]:
    """What is written for one line of input."""
    try:
        return measure_life(LifeRequest.from_json(json.loads(line)))
    except LifeError as error:
        return {"error": str(error), "side": error.side}
    except SwarmError as error:
        return {"error": str(error), "side": None}
    except json.JSONDecodeError as error:
        return {"error": f"not JSON: {error}", "side": None}
    except Exception as error:  # the caller decides whether it goes on
        return {"error": f"internal error: {type(error).__name__}: {error}".replace("\n", " "), "side": None}


def _end(_number: int, _frame: Any) -> NoReturn:
    """Nothing that a server started may outlive this process, however deep it is in a wait."""
    for pid in proc.descendants(os.getpid()) - {os.getpid()}:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            continue
    os._exit(128 + signal.SIGTERM)


def main() -> int:
    """Answer requests until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    # Nothing but answers may reach the caller's pipe.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    gevent.get_hub().exception_stream = None
    while line := sys.stdin.readline():
        if line.strip():
            out.write(json.dumps(answer(line), separators=(",", ":")) + "\n")
            out.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
