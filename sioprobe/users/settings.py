"""What the settings of a `SocketIOUser` say: where it connects to, over what, and how it tries again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sioprobe.engine.errors import SwarmError
from sioprobe.engine.reconnect import Backoff
from sioprobe.engine.session import TRANSPORTS
from sioprobe.engine.target import Target

if TYPE_CHECKING:
    from sioprobe.users.user import SocketIOUser

__all__ = ["backoff_of", "target_of"]

Pairs = tuple[tuple[str, Any], ...]


def target_of(user: SocketIOUser) -> tuple[Target, str]:
    """Target and transport. Raises SwarmError for a setting that cannot be used."""
    if not user.host:
        raise SwarmError("bad url", "no host; give --host or set it in the class")
    if user.transport not in TRANSPORTS:
        raise SwarmError("bad transport", f"{user.transport!r}; valid are {', '.join(TRANSPORTS)}")
    pairs = (
        _pairs("headers", user.headers),
        _pairs("query", user.query),
        _pairs("cookies", user.cookies),
    )
    return _target(user.host, user.path, *pairs, user.verify, user.ca_file), user.transport


def backoff_of(user: SocketIOUser) -> Backoff:
    """The delays of a reconnection. Raises SwarmError."""
    try:
        return _made_backoff(
            user.reconnection_delay,
            user.reconnection_delay_max,
            user.randomization_factor,
            user.reconnection_attempts or None,
        )
    except (TypeError, ValueError) as error:
        raise SwarmError("bad option", str(error)) from None


def _pairs(name: str, mapping: Mapping[str, Any] | None) -> Pairs:
    if not mapping:
        return ()
    if not isinstance(mapping, Mapping):
        raise SwarmError(
            "bad option", f"{name} is {type(mapping).__name__} and no mapping of names to values"
        )
    # As text, which is what is sent: 1 and True are the same key of a cache.
    return tuple((key, value if isinstance(value, bytes) else str(value)) for key, value in mapping.items())


@lru_cache
def _made_backoff(
    delay: float, delay_max: float, randomization_factor: float, attempts: int | None
) -> Backoff:
    # Users mostly have the same, and each needs one to connect.
    return Backoff(
        delay=delay, delay_max=delay_max, randomization_factor=randomization_factor, attempts=attempts
    )


@lru_cache
def _target(
    host: str, path: str, headers: Pairs, query: Pairs, cookies: Pairs, verify: bool, ca_file: str | None
) -> Target:
    # Users mostly have the same; who connects again and again has not to take the URL apart each time.
    return Target.from_url(
        host,
        path,
        headers=dict(headers),
        query=dict(query),
        cookies=dict(cookies),
        verify=verify,
        ca_file=ca_file,
    )
