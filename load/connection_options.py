"""The command-line options of `load/swarm.py` that say how its connections reach a server.

Their values become the keyword arguments of `Target.from_url`, which checks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sioprobe.swarm import SwarmError

__all__ = ["add_connection_options", "target_options"]


def add_connection_options(add: Any) -> None:
    """Add the options by `add`, a parser's `add_argument`. Left out of the web page: they may be secrets."""
    for flag, example, what in (
        ("--header", "NAME:VALUE", "header of every request"),
        ("--cookie", "NAME=VALUE", "cookie of every request, beside those that the server sets"),
        ("--query", "NAME=VALUE", "parameter in the query of every request"),
    ):
        add(
            flag,
            action="append",
            default=[],
            metavar=example,
            include_in_web_ui=False,
            help=f"{what}; may be given again",
        )
    add(
        "--ca-file",
        default="",
        metavar="FILE",
        include_in_web_ui=False,
        help="https: trust the authorities whose certificates (PEM) this file holds",
    )
    add(
        "--no-verify",
        action="store_true",
        default=False,
        include_in_web_ui=False,
        help="https: take any certificate",
    )


def target_options(options: Any) -> dict[str, Any]:
    """The keyword arguments of `Target.from_url`. Raises SwarmError for a pair that is none."""
    return {
        "headers": _pairs("--header", options.header, ":"),
        "cookies": _pairs("--cookie", options.cookie, "="),
        "query": _pairs("--query", options.query, "="),
        "ca_file": options.ca_file or None,
        "verify": not options.no_verify,
    }


def _pairs(flag: str, texts: Sequence[str], separator: str) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, found, value = text.partition(separator)
        if not found or not name.strip():
            raise SwarmError("bad option", f"{flag} {text!r} is not NAME{separator}VALUE")
        pairs[name.strip()] = value.strip()
    return pairs
