"""What a server says about itself at `/metrics` and `/about`, if it has such pages."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

__all__ = ["server_metrics", "told_pids"]


def server_metrics(url: str, seconds: float = 2.0) -> dict[str, Any] | None:
    """The JSON object at `url`/metrics, or None. Blocks for at most `seconds`."""
    return _object(url, "/metrics", seconds)


def told_pids(url: str, seconds: float = 2.0) -> list[int]:
    """The process ids that `url`/about names. Blocks for at most `seconds`."""
    pids = (_object(url, "/about", seconds) or {}).get("pids")
    return [pid for pid in pids if type(pid) is int] if isinstance(pids, list) else []


def _object(url: str, page: str, seconds: float) -> dict[str, Any] | None:
    base = url if "//" in url else f"http://{url}"
    try:
        with urllib.request.urlopen(base.rstrip("/") + page, timeout=seconds) as answer:
            data = json.load(answer)
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None
