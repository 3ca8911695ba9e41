"""The settings of a `SocketIOUser`: where it connects to, over which transport, and how it reconnects."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar

from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.engine.reconnect import Backoff
from sioprobe.engine.session import TRANSPORTS
from sioprobe.engine.target import DEFAULT_PATH, Target
from sioprobe.users.http_session import seen_of

__all__ = ["UserSettings", "apply_options", "backoff_of", "settings_of_class", "target_of"]

Pairs = tuple[tuple[str, Any], ...]


class UserSettings:
    """What a user's class may set. Locust sets `host`."""

    host: str | None

    transport = "websocket"
    """`websocket`, `polling`, or `upgrade` (polling first, as browsers do)."""

    path = DEFAULT_PATH
    headers: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None

    cookies: Mapping[str, str] | None = None
    """Sent with every request, together with the cookies of the server."""

    verify = True
    """Whether the certificate of a server at an https URL is checked."""

    ca_file: str | None = None
    """A file with the certificates (PEM) of the authorities to trust instead of the system's."""

    max_packets_per_post = 0
    """Over polling, the most packets of one POST. 0: all that maxPayload allows, as official clients do."""
    http_session: Any = None
    """A `requests.Session`, such as `self.client` of an HttpUser, or a function that returns one.

    The connection shows its cookies, headers and authentication too.
    """

    reconnection = True
    """Whether the user reconnects after a loss. The delays, in seconds, are those of the official client."""

    reconnection_attempts: int | None = None
    reconnection_delay = 1.0
    reconnection_delay_max = 5.0
    randomization_factor = 0.5

    options: ClassVar[dict[str, Any]] = {}
    """For locustfiles of `locust.contrib.socketio`: keyword arguments of `socketio.Client`."""


_OPTIONS = (
    *("reconnection", "reconnection_attempts", "reconnection_delay", "reconnection_delay_max"),
    *("randomization_factor", "http_session"),
)
_IGNORED = ("logger", "engineio_logger", "handle_sigint", "json", "request_timeout", "timestamp_requests")
_OF_A_CONNECTION = (*_OPTIONS, "headers", "query", "cookies", "verify", "ca_file", "max_packets_per_post")


def apply_options(settings: UserSettings, options: Mapping[str, Any]) -> None:
    """Apply `options`, keyword arguments of `socketio.Client`, to the settings. Raises SwarmError."""
    for name, value in options.items():
        if name in _OPTIONS:
            setattr(settings, name, value)
        elif name == "ssl_verify":
            settings.verify = value
        elif name == "serializer" and value == "default":
            pass
        elif name not in _IGNORED:
            known = ", ".join((*_OPTIONS, "ssl_verify"))
            raise SwarmError(Kind.BAD_OPTION, f"{name}={value!r} is not supported; supported are {known}")


def settings_of_class(user: UserSettings) -> UserSettings:
    """Settings as the user's class has them, with its `options`. What a task assigned to `self` is its own.

    `transport` and `path` are those of the class too, or empty where it has none of its own.
    """
    kind = type(user)
    found = UserSettings()
    for name in (*_OF_A_CONNECTION, "transport", "path"):
        value = getattr(kind, name)
        setattr(found, name, getattr(user, name) if hasattr(value, "__get__") else value)
    for name in ("transport", "path"):
        if next(base for base in kind.__mro__ if name in vars(base)) is UserSettings:
            setattr(found, name, "")
    apply_options(found, user.options)
    return found


def target_of(user: UserSettings) -> tuple[Target, str]:
    """Target and transport. Raises SwarmError if a setting cannot be used."""
    if not user.host:
        raise SwarmError(Kind.BAD_URL, "no host; give --host or set it in the class")
    if user.transport not in TRANSPORTS:
        raise SwarmError(Kind.BAD_TRANSPORT, f"{user.transport!r}; valid are {', '.join(TRANSPORTS)}")
    headers, query, cookies = (
        _pairs("headers", user.headers),
        _pairs("query", user.query),
        _pairs("cookies", user.cookies),
    )
    most = user.max_packets_per_post
    if type(most) is not int or most < 0:
        raise SwarmError(
            Kind.BAD_OPTION, f"max_packets_per_post is {most!r} but must be a whole number from 0"
        )
    verify, ca_file = user.verify, user.ca_file
    if user.http_session is not None:
        seen = seen_of(user.http_session)
        headers = tuple({**seen.headers, **dict(headers)}.items())
        cookies = tuple({**seen.cookies, **dict(cookies)}.items())
        verify, ca_file = verify and seen.verify, ca_file or seen.ca_file
    return _target(user.host, user.path, headers, query, cookies, verify, ca_file, most), user.transport


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
            Kind.BAD_OPTION, f"{name} is {type(mapping).__name__} but must be a mapping of names to values"
        )
    # As text, because the cache takes 1 and True for the same key.
    return tuple((key, value if isinstance(value, bytes) else str(value)) for key, value in mapping.items())


@lru_cache
def _made_backoff(
    delay: float, delay_max: float, randomization_factor: float, attempts: int | None
) -> Backoff:
    # Cached, because most users have the same.
    return Backoff(
        delay=delay, delay_max=delay_max, randomization_factor=randomization_factor, attempts=attempts
    )


@lru_cache
def _target(
    host: str,
    path: str,
    headers: Pairs,
    query: Pairs,
    cookies: Pairs,
    verify: bool,
    ca_file: str | None,
    max_packets_per_post: int,
) -> Target:
    # Cached, because most users have the same, and some connect again and again.
    return Target.from_url(
        host,
        path,
        headers=dict(headers),
        query=dict(query),
        cookies=dict(cookies),
        verify=verify,
        ca_file=ca_file,
        max_packets_per_post=max_packets_per_post,
    )
