"""What the settings of a `SocketIOUser` say: where it connects to, over what, and how it tries again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.engine.reconnect import Backoff
from sioprobe.engine.session import TRANSPORTS
from sioprobe.engine.target import DEFAULT_PATH, Target

__all__ = ["UserSettings", "backoff_of", "target_of"]

Pairs = tuple[tuple[str, Any], ...]


class UserSettings:
    """What a user's class may set; `host` is Locust's."""

    host: str | None

    transport = "websocket"
    """`websocket`, `polling`, or `upgrade` (polling first, as browsers do)."""

    path = DEFAULT_PATH
    headers: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None

    cookies: Mapping[str, str] | None = None
    """Sent with every request, beside those that the server sets."""

    verify = True
    """Whether the certificate of a server at an https URL is checked."""

    ca_file: str | None = None
    """Certificates (PEM) of the authorities to trust in place of the system's."""

    reconnection = True
    """Whether a lost session is followed by another; the delays, in seconds, are the official client's."""

    reconnection_attempts: int | None = None
    reconnection_delay = 1.0
    reconnection_delay_max = 5.0
    randomization_factor = 0.5

    options: ClassVar[dict[str, Any]] = {}
    """For locustfiles of `locust.contrib.socketio`: keyword arguments of `socketio.Client`."""


def target_of(user: UserSettings) -> tuple[Target, str]:
    """Target and transport. Raises SwarmError for a setting that cannot be used."""
    if not user.host:
        raise SwarmError(Kind.BAD_URL, "no host; give --host or set it in the class")
    if user.transport not in TRANSPORTS:
        raise SwarmError(Kind.BAD_TRANSPORT, f"{user.transport!r}; valid are {', '.join(TRANSPORTS)}")
    pairs = (
        _pairs("headers", user.headers),
        _pairs("query", user.query),
        _pairs("cookies", user.cookies),
    )
    return _target(user.host, user.path, *pairs, user.verify, user.ca_file), user.transport


def backoff_of(user: UserSettings) -> Backoff:
    """The delays of a reconnection. Raises SwarmError."""
    try:
        return _made_backoff(
            user.reconnection_delay,
            user.reconnection_delay_max,
            user.randomization_factor,
            user.reconnection_attempts or None,
        )
    except (TypeError, ValueError) as error:
        raise SwarmError(Kind.BAD_OPTION, str(error)) from None


def _pairs(name: str, mapping: Mapping[str, Any] | None) -> Pairs:
    if not mapping:
        return ()
    if not isinstance(mapping, Mapping):
        raise SwarmError(
            Kind.BAD_OPTION, f"{name} is {type(mapping).__name__} and no mapping of names to values"
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
