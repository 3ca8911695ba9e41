"""How a server process, or one that only emits, joins the queue of its options."""

from __future__ import annotations

from typing import Any

from server_under_test.queues.registry import QUEUES
from server_under_test.starting.options import Options


def arguments(options: Options, channel: str, *, write_only: bool = False) -> dict[str, Any]:
    """What `SocketIO(...)` takes to be joined on this channel. Nothing if the options name no queue."""
    if options.queue is None or options.queue_url is None:
        return {}
    joined: dict[str, Any] = QUEUES[options.queue].load().arguments(options.queue_url, channel, write_only)
    return joined
