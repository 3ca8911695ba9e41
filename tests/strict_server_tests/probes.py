"""A probe: what a peer sees of one requirement, as a plain value, and what it sees of a conforming server.

The modules beside this one register theirs; `all_probes` collects them.
There is one or a few for each area of the catalogue, for the meaning: that a fault is one at all is the
judge's to notice (tests/conformance/test_mutation.py).
"""

import importlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

See = Callable[[str], Awaitable[list[Any]]]

_registered: list["Probe"] = []


@dataclass(frozen=True, slots=True)
class Probe:
    """`see` gets the server's URL; `config` is how that server must be configured."""

    requirement: str
    see: See
    expected: list[Any]
    config: dict[str, Any] = field(default_factory=dict)


def probe(requirement: str, expected: list[Any], **config: Any) -> Callable[[See], See]:
    def register(see: See) -> See:
        _registered.append(Probe(requirement, see, expected, config))
        return see

    return register


def all_probes() -> list[Probe]:
    for name in ("engine_probes", "upgrade_probes", "revision3_probes"):
        importlib.import_module(f"tests.strict_server_tests.{name}")
    socket_probes = importlib.import_module("tests.strict_server_tests.socket_probes")
    return [*_registered, *socket_probes.exchange_probes()]


def hide_ids(messages: list[Any]) -> list[Any]:
    """The same messages with every sid replaced by `*`, and `pid` untouched."""
    return [re.sub(r'"sid":"[^"]*"', '"sid":"*"', one) if isinstance(one, str) else one for one in messages]
