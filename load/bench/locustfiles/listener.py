"""A listener of `events.request`, as a plugin has one: for `--sio-events=fire`."""

from __future__ import annotations

from typing import Any

import locust


class Heard:
    """What this process heard."""

    count = 0


@locust.events.request.add_listener  # type: ignore[untyped-decorator]
def hear(**_: Any) -> None:
    """Count it."""
    Heard.count += 1
