"""`python -m load.blocks`: a long-lived generator that measures one block for each request.

One JSON request a line on stdin, one JSON block a line on stdout; end of input ends it:
`{"url": …, "urls": […], "transport": "websocket", "scenario": "ack", "connections": 50,
"warmup_seconds": 0.5, "seconds": 1.5, "server_pids": […], "payload_bytes": 32}`; of these only `url` or
`urls` is required. The scenario's parameters are keys too, and so are the values of `ConnectionOptions`
(`path`, `headers`, `cookies`, `query`, `auth`, `ca_file`, `verify`), which are not in the block.
A block that cannot be measured is answered by `{"error": "one line"}`, and the next may follow.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from load.blocks.measuring import measure
from load.blocks.request import BlockRequest, RequestError
from sioprobe.engine import SwarmError
from sioprobe.results.loads import to_json

__all__ = ["answer", "main"]


def answer(line: str) -> dict[str, Any]:
    """What is written for one line of input."""
    try:
        return to_json(measure(BlockRequest.from_json(json.loads(line))))
    except (RequestError, SwarmError) as error:
        return {"error": str(error)}
    except json.JSONDecodeError as error:
        return {"error": f"not JSON: {error}"}
    except Exception as error:  # the caller goes on with the next block
        return {"error": f"internal error: {type(error).__name__}: {error}".replace("\n", " ")}


def main() -> int:
    """Answer requests until stdin ends. SIGINT and SIGTERM end it at once."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    # Nothing but answers may reach the caller's pipe.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    while line := sys.stdin.readline():
        if line.strip():
            out.write(json.dumps(answer(line)) + "\n")
            out.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
