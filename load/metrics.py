"""What a server tells about itself at `/metrics`, where it has such a page."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

__all__ = ["server_metrics"]


def server_metrics(url: str, seconds: float = 2.0) -> dict[str, Any] | None:
    """The JSON object at `url`/metrics, or None where there is none. Blocks for at most `seconds`."""
    try:
        with urllib.request.urlopen(url.rstrip("/") + "/metrics", timeout=seconds) as answer:
            data = json.load(answer)
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None
