"""`python -m ci.proxies.python_client URL WAY COUNT SECONDS`: python-socketio's clients, as one JSON line."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import socketio

WAYS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": None}


class Told(logging.Handler):
    """Keeps what the client logs as a warning or an error."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def main(url: str, way: str, count: str, seconds: str) -> None:
    told = Told()
    logger = logging.getLogger("client")
    logger.propagate = False
    logger.addHandler(told)
    with ThreadPoolExecutor(int(count)) as pool:
        came = list(pool.map(lambda _: try_once(url, way, float(seconds), logger), range(int(count))))
    errors = Counter([text for text in came if text is not None] + told.lines)
    print(json.dumps({"in": came.count(None), "errors": errors}), flush=True)


def try_once(url: str, way: str, seconds: float, logger: logging.Logger) -> str | None:
    """What went wrong. None if the client was answered twice, over the transport that was asked for."""
    client = socketio.Client(reconnection=False, engineio_logger=logger, request_timeout=seconds)
    try:
        client.connect(url, transports=WAYS[way], wait_timeout=seconds)
        for number in range(2):
            client.call("message-with-ack", number, timeout=seconds)
            time.sleep(0.3)
        if way == "upgrade" and client.transport() != "websocket":
            return "stays on polling"
    except Exception as error:
        return f"{type(error).__name__}: {error}".removesuffix(": ")
    finally:
        # A client that failed while it upgraded cannot disconnect.
        with suppress(AttributeError):
            client.disconnect()
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
