"""`--url`: what a URL of a server may hold."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["problem_with_url"]


def problem_with_url(url: str) -> str | None:
    """One line about a URL that holds more than a server's address, or None.

    Other options take the rest: the URL stands in every report, where no secret may stand.
    """
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
    except ValueError:
        bare = url.rpartition("@")[2].partition("?")[0]
        return f"{bare!r} is not http://host:port or https://host:port"
    shown = parts.netloc.rpartition("@")[2] + parts.path
    shown = f"{parts.scheme}://{shown}" if parts.scheme else shown
    if "@" in parts.netloc:
        return f"{shown} has a user name in front of it; give it with --header 'Authorization: Basic ...'"
    if parts.query:
        return f"{shown} has a query; give it with --query NAME=VALUE"
    if parts.path.strip("/"):
        return f"{shown} has a path; give that of the Socket.IO endpoint with --path"
    return None
