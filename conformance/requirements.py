"""The catalogue of requirements, and the decorator that ties a case to one of them.

The catalogue is `catalogue/*.toml`; ids never change, and nobody uses one again.
A file with `role = "client"` at its head has the statements about clients; the others are about servers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from conformance.verdicts import Level
from sioprobe.commandline.nearest import unknown

__all__ = [
    "CAPABILITIES",
    "FEATURES",
    "SETTINGS",
    "Requirement",
    "Role",
    "catalogue",
    "exclusive",
    "exclusive_but_for",
    "last",
    "requirement",
    "slow",
    "with_cases",
]

FOLDER = Path(__file__).parent / "catalogue"
TRANSPORTS = ("polling", "websocket", "upgraded")

Role = Literal["server", "client"]
"""Who is judged."""

# What a server may lack without being wrong. False: a server must say that it has it.
CAPABILITIES = {
    "polling": True,
    "websocket": True,
    "upgrade": True,
    "variadic": True,
    "ack_out": True,
    "connect_error_data": True,
    "reject": True,
    "kick_all": True,
    "cluster_events": True,
    "binary_polling": True,
    "cors": True,
    "eio4": True,
    "eio3": False,
    "recovery": False,
    "permessage_deflate": False,
    "flask_contract": False,
}

# What a client may lack without being wrong. Its agent says what it has.
FEATURES = (
    "polling",
    "websocket",
    "upgrade",
    "reconnection",
    "namespaces",
    "multiplex",
    "auth",
    "auth_function",
    "ack_in",
    "ack_out",
    "ack_late",
    "ack_timeout",
    "binary",
    "connect_error_data",
    "id",
    "throw",
    "wait",
    "buffer",
    "volatile",
    "retries",
    "recovery",
    "path",
    "add_trailing_slash",
    "query",
    "headers",
    "headers_websocket",
    "cookies",
    "force_base64",
    "timestamp_requests",
    "protocols",
    "auto_connect",
    "remember_upgrade",
    "try_all_transports",
    "tls",
    "browser",
)

# Times of a server in seconds that its handshake does not say, or says otherwise.
SETTINGS = ("ping_interval", "ping_timeout", "connect_timeout", "upgrade_timeout")

Case = TypeVar("Case", bound=Callable[..., Awaitable[None]])


@dataclass(frozen=True, slots=True)
class Requirement:
    """One statement. `contract` is the contract level (0-3) that a server or a client needs for its cases.

    `role` is who keeps it. `capabilities` are those of a server, or the features of a client.
    `revision` is the revision of Engine.IO in which it holds, None for every revision.
    `says` is the sentence of `spec` that it rests on, None for what only the reference does and for a gap.
    `reason` says why no case asks for it, None if cases do.
    """

    id: str
    level: Level
    text: str
    spec: str
    contract: int
    transports: tuple[str, ...]
    capabilities: tuple[str, ...]
    revision: int | None = 4
    reason: str | None = None
    says: str | None = None
    role: Role = "server"

    @property
    def area(self) -> str:
        """The part of the id before its number, e.g. EIO-HS."""
        return self.id.rpartition("-")[0]


def catalogue(role: Role = "server") -> dict[str, Requirement]:
    """All statements about servers, or about clients, by id, with or without cases.

    Raises ValueError that names the file and the fault.
    """
    return _catalogues()[role]


@cache
def _catalogues() -> dict[Role, dict[str, Requirement]]:
    """Both at once: to read the files takes a tenth of a second."""
    found: dict[Role, dict[str, Requirement]] = {role: {} for role in get_args(Role)}
    for path in sorted(FOLDER.glob("*.toml")):
        rows = tomllib.loads(path.read_text("utf-8"))
        role = rows.get("role", "server")
        for row in rows.get("requirement", []):
            entry = _requirement(path.name, row, role)
            if entry.id in found[role]:
                raise ValueError(f"{path.name}: {entry.id} stands in the catalogue twice")
            found[role][entry.id] = entry
    return found


_REVISIONS = {4: 4, 3: 3, "any": None}


@cache
def with_cases(role: Role = "server") -> dict[str, Requirement]:
    """The requirements that cases ask for, by id."""
    return {id_: entry for id_, entry in catalogue(role).items() if entry.reason is None}


def _requirement(file: str, row: dict[str, Any], role: Role) -> Requirement:
    known = {field.name for field in fields(Requirement)} - {"role"}
    for key in row:
        if key not in known:
            raise ValueError(f"{file}: {row.get('id')}: {unknown('key', key, sorted(known))}")
    try:
        entry = Requirement(
            id=row["id"],
            level=Level(row["level"]),
            text=row["text"],
            spec=row["spec"],
            contract=row.get("contract", 0),
            transports=tuple(row.get("transports", ())),
            capabilities=tuple(row.get("capabilities", ())),
            revision=_REVISIONS[row.get("revision", 4)],
            reason=row.get("reason"),
            says=row.get("says"),
            role=role,
        )
    except (KeyError, ValueError) as error:
        raise ValueError(f"{file}: {row.get('id')}: {error}") from None
    for transport in entry.transports:
        if transport not in TRANSPORTS:
            raise ValueError(f"{file}: {entry.id}: unknown transport {transport!r}")
    for capability in entry.capabilities:
        if capability not in (CAPABILITIES if role == "server" else FEATURES):
            raise ValueError(f"{file}: {entry.id}: unknown capability {capability!r}")
    return entry


def requirement(requirement_id: str) -> Callable[[Case], Case]:
    """Marks a case as a test of this requirement."""

    def mark(case: Case) -> Case:
        case.requirement_id = requirement_id  # type: ignore[attr-defined]
        return case

    return mark


def exclusive(case: Case) -> Case:
    """Marks a case whose effect other cases could see: it runs alone, after the rest."""
    case.is_exclusive = True  # type: ignore[attr-defined]
    return case


def last(case: Case) -> Case:
    """Marks a case after which a server may serve worse: it runs alone, after the exclusive ones."""
    case.is_last = True  # type: ignore[attr-defined]
    return exclusive(case)


def exclusive_but_for(crowd: str) -> Callable[[Case], Case]:
    """Marks an exclusive case that runs beside the others of its crowd where the server is far away."""

    def mark(case: Case) -> Case:
        case.crowd = crowd  # type: ignore[attr-defined]
        return exclusive(case)

    return mark


def slow(case: Case) -> Case:
    """Marks a case that waits for heartbeats: it starts first."""
    case.is_slow = True  # type: ignore[attr-defined]
    return case
