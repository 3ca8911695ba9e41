"""The server at the URL: proof that it speaks Socket.IO, and what it says or declares about itself.

`find_target` asks before any case runs. What is no Socket.IO server ends in `NoServer`, one sentence.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from conformance.client.address import Address, Headers
from conformance.client.http import Answer, NoAnswer, exchange
from conformance.client.opening import open_session
from conformance.client.revisions import REVISION_3, REVISION_4, REVISIONS, Revision
from conformance.client.session import Session, Transport
from conformance.client.timing import Timing
from conformance.client.transcript import RECORDING, Recording, describe
from conformance.client.websocket import WebSocket, open_websocket
from conformance.probe import PROBE_SECONDS, NoServer, find_revisions
from conformance.requirements import CAPABILITIES
from conformance.verdicts import Inconclusive
from sioprobe.commandline.nearest import nearest
from sioprobe.wire import OpenData, SocketPacketType
from sioprobe.wire.cookies import Cookies

__all__ = ["NoServer", "Profile", "Target", "UsageError", "find_target", "read_profile"]

SECTIONS = ("target", "settings", "capabilities")

# Seconds; what the server was configured with and does not say on the wire.
SETTINGS = ("ping_interval", "ping_timeout", "connect_timeout", "upgrade_timeout")


class UsageError(Exception):
    """A wrong option or profile. The message is one line."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is declared about a server, where it cannot be asked. None: to be found out."""

    title: str | None = None
    library: str | None = None
    version: str | None = None
    mode: str | None = None
    contract_level: int | None = None
    settings: dict[str, float] = field(default_factory=dict)
    capabilities: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """A live server. `level` is its contract level, `capabilities` what it has.

    `settings` holds what is declared about its configuration, in seconds; `switches` what it says itself,
    and `processes` the ids of its processes as `GET /about` named them first, none where it does not.
    """

    address: Address
    opened: OpenData
    timing: Timing
    level: int
    capabilities: dict[str, bool]
    settings: dict[str, float] = field(default_factory=dict)
    library: str | None = None
    version: str | None = None
    mode: str | None = None
    switches: dict[str, bool] = field(default_factory=dict)
    processes: tuple[int, ...] = ()
    title: str = ""
    note: str | None = None
    revision: Revision = REVISION_4  # that `open` speaks; the runner sets it to the requirement's

    @property
    def revisions(self) -> tuple[int, ...]:
        """The revisions of Engine.IO that it speaks, the latest first."""
        return tuple(number for number in REVISIONS if self.capabilities[f"eio{number}"])

    async def open(
        self,
        transport: Transport = "polling",
        *,
        answer_pings: bool = True,
        poll: bool = True,
        parameters: str = "",
        headers: Headers = (),
    ) -> Session:
        """A session after its handshake, no namespace connected by the client.

        `parameters` (`&name=value`) stand in each of its queries; `headers` go with the handshake only.
        """
        session = await open_session(
            self.address,
            self.timing,
            transport,
            answer_pings=answer_pings,
            poll=poll,
            revision=self.revision,
            parameters=parameters,
            headers=headers,
        )
        session.level = self.level
        return session

    async def request(
        self,
        method: str,
        query: str,
        *,
        path: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes | None = None,
        seconds: float | None = None,
        cookies: Cookies | None = None,
    ) -> Answer | NoAnswer:
        """One HTTP request to the endpoint. Without `cookies` it comes from a new client."""
        return await exchange(
            self.address,
            method,
            f"{self.address.path if path is None else path}?{query}",
            headers=headers,
            body=body,
            seconds=self.timing.answer if seconds is None else seconds,
            cookies=cookies,
        )

    @property
    def auth(self) -> dict[str, Any] | None:
        """What the user gave as the auth payload of CONNECT packets."""
        return self.address.connection.auth

    async def processes_now(self) -> tuple[int, ...]:
        """The ids of its processes, as it names them now; none where it does not answer."""
        return _processes(await _read_about(self.address))

    async def websocket(self, query: str) -> WebSocket | Answer | NoAnswer:
        """A WebSocket at `?query`, or what refused it."""
        return await open_websocket(self.address, query, seconds=self.timing.answer)


def read_profile(path: Path) -> Profile:
    """The profile of a TOML file. Raises UsageError naming section, key and the nearest valid one."""
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"profile {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"profile {path}: {error}") from None
    fields = {"title": str, "library": str, "version": str, "mode": str, "contract_level": int}
    for section, known in data.items():
        if section not in SECTIONS or not isinstance(known, dict):
            raise UsageError(f"profile {path}: unknown section [{section}]{nearest(section, SECTIONS)}")
    for key, value in data.get("target", {}).items():
        if key not in fields:
            raise UsageError(f"profile {path}: unknown key {key!r} in [target]{nearest(key, fields)}")
        if type(value) is not fields[key]:
            raise UsageError(f"profile {path}: {key} = {value!r} in [target] is not {fields[key].__name__}")
    for key, value in data.get("settings", {}).items():
        if key not in SETTINGS:
            raise UsageError(f"profile {path}: unknown key {key!r} in [settings]{nearest(key, SETTINGS)}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            raise UsageError(f"profile {path}: {key} = {value!r} in [settings] is not a number of seconds")
    for key, value in data.get("capabilities", {}).items():
        if key not in CAPABILITIES:
            raise UsageError(
                f"profile {path}: unknown key {key!r} in [capabilities]{nearest(key, CAPABILITIES)}"
            )
        if not isinstance(value, bool):
            raise UsageError(f"profile {path}: {key} = {value!r} in [capabilities] is not true or false")
    return Profile(
        **data.get("target", {}),
        settings=data.get("settings", {}),
        capabilities=data.get("capabilities", {}),
    )


async def find_target(address: Address, profile: Profile) -> Target:
    """The server there. Raises NoServer within seconds where there is none."""
    token = RECORDING.set(Recording(address.connection.secrets))
    try:
        opened, capabilities = await find_revisions(address)
        timing = Timing(float(opened.ping_interval) / 1000, float(opened.ping_timeout) / 1000)
        capabilities = CAPABILITIES | capabilities
        revision = REVISION_4 if capabilities["eio4"] else REVISION_3
        target = Target(address, opened, timing, 2, capabilities, profile.settings, revision=revision)
        # A server without such a page may leave the request open: ask for both at the same time.
        about, (level, note) = await asyncio.gather(
            _read_about(address), _find_level(target, profile.contract_level)
        )
        library, version = _library(about)
        mode = about.get("mode") or about.get("async_mode")
        target = replace(
            target,
            capabilities=capabilities | _declared(about) | profile.capabilities,
            level=level,
            switches={key: value for key, value in about.items() if isinstance(value, bool)},
            processes=_processes(about),
            note=note,
            library=profile.library or library,
            version=profile.version or version,
            mode=profile.mode or (mode if isinstance(mode, str) else None),
        )
        latest = REVISION_4 if target.capabilities["eio4"] else REVISION_3
        return replace(target, title=profile.title or _title(target), revision=latest)
    finally:
        await asyncio.gather(*(session.release() for session in RECORDING.get().sessions))
        RECORDING.reset(token)


async def _read_about(address: Address) -> dict[str, Any]:
    """What `GET /about` says as JSON with "versions"; empty where the server has no such page."""
    answer = await exchange(address, "GET", "/about", seconds=PROBE_SECONDS)
    if not isinstance(answer, Answer) or answer.status != 200:
        return {}
    try:
        # What it says stands in every report.
        about = json.loads(address.connection.redact(answer.body.decode("utf-8")))
    except ValueError:
        return {}
    return about if isinstance(about, dict) and isinstance(about.get("versions"), dict) else {}


def _declared(about: dict[str, Any]) -> dict[str, bool]:
    """The capabilities that `/about` names, alone or together, and its transports."""
    found = {name: about[name] for name in CAPABILITIES if isinstance(about.get(name), bool)}
    transports = about.get("transports")
    if isinstance(transports, list):
        both = "polling" in transports and "websocket" in transports
        found |= {"polling": "polling" in transports, "websocket": "websocket" in transports, "upgrade": both}
    named = about.get("capabilities")
    for name, value in named.items() if isinstance(named, dict) else ():
        if name in CAPABILITIES and isinstance(value, bool):
            found[name] = value
    return found


# The most specific first: Flask-SocketIO's versions name python-socketio as well.
_LIBRARIES = (
    "flask-socketio",
    "@socket.io/bun-engine",
    "socket.io",
    "python-socketio",
    "socketioxide",
    "zishang520/socket.io",
    "netty-socketio",
)


def _library(about: dict[str, Any]) -> tuple[str | None, str | None]:
    versions = about.get("versions", {})
    for name in _LIBRARIES:
        if isinstance(versions.get(name), str):
            return name, versions[name]
    return None, None


def _processes(about: dict[str, Any]) -> tuple[int, ...]:
    pids = about.get("pids")
    return tuple(pid for pid in pids if isinstance(pid, int)) if isinstance(pids, list) else ()


def _title(target: Target) -> str:
    if target.library is None:
        return target.address.url
    title = f"{target.library} {target.version or ''}".strip()
    return f"{title} ({target.mode})" if target.mode else title


async def _open_any(target: Target) -> Session | None:
    transports: tuple[Transport, ...] = ("polling", "websocket")
    for transport in transports:
        if target.capabilities[transport]:
            with contextlib.suppress(Inconclusive):
                return await target.open(transport)
    return None


async def _find_level(target: Target, declared: int | None) -> tuple[int, str | None]:
    """The declared contract level, else the one that the server shows any sign of.

    Any sign, so that one fault does not hide a level.
    """
    if declared is not None:
        return declared, None
    session = await _open_any(target)
    if session is None:
        return 0, "the contract level could not be found out; declare it with --level or a profile"
    if not session.revision.connects_unasked:
        await session.send(session.connecting())
    answers = (SocketPacketType.CONNECT, SocketPacketType.CONNECT_ERROR)
    answer = await session.take(lambda packet: packet.type in answers)
    if answer is not None and answer.type is SocketPacketType.CONNECT_ERROR:
        return 0, f"the server refuses to connect / by {describe(answer)}; --auth may show what it wants"
    room = f"probe-{id(session)}"
    for event, arguments in (
        ("message", [1]),
        ("message-with-ack", [2]),
        ("join", [room]),
        ("ask", ["probe-asked"]),
        ("burst", [1, 1]),
    ):
        await session.emit(
            event, *arguments, ack_id=session.next_ack_id() if event in ("message-with-ack", "join") else None
        )

    def level() -> int:
        names = {p.data[0] for p in session.inbox if p.type is SocketPacketType.EVENT}
        acks = {p.ack_id: p.data for p in session.inbox if p.type is SocketPacketType.ACK}
        if [[room]] in acks.values() or names & {"probe-asked", "b"}:
            return 2
        return 1 if acks.get(101) == [2] or names & {"auth", "message-back"} else 0

    await session.until(lambda: level() == 2, target.timing.answer / 2)
    found = level()
    if found == 2:
        return 2, None
    return found, (
        f"the server shows no sign of contract level {found + 1}, so cases above {found} do not apply; "
        "'sioprobe conform --contract' says what a level needs, --level declares one"
    )
