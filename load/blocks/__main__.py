"""`python -m load.blocks`: a long-lived generator that measures one block for each request.

It reads one JSON request per line on stdin, and writes one JSON block per line on stdout, until stdin ends:
`{"url": …, "urls": […], "transport": "websocket", "scenario": "ack", "connections": 50,
"warmup_seconds": 0.5, "seconds": 1.5, "server_pids": […], "partner_pids": {"queue": […]},
"payload_bytes": 32}`. Only `url` or `urls` is required. The parameters of the scenario are keys too;
`locustfile`, a path, takes the place of scenario and parameters. So are the values of `ConnectionOptions`
(`path`, `headers`, `cookies`, `query`, `auth`, `ca_file`, `verify`), which never stand in the block.
If a block cannot be measured, the answer is `{"error": "one line"}`, and the next request may follow.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

from load.blocks.measuring import measure
from load.blocks.request import BlockRequest, RequestError
from load.watching.process_trees import SamplingError
from sioprobe.engine import SwarmError
from sioprobe.results.loads import to_json

__all__ = ["answer", "main"]


def answer(line: str) -> dict[str, Any]:
    """The answer to one line of input."""
    try:
        return to_json(measure(BlockRequest.from_json(json.loads(line))))
    except (RequestError, SwarmError, SamplingError) as error:
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
