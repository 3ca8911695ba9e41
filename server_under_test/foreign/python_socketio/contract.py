"""Every row of the contract, on a server that `create_server` makes.

The connect handler emits the event `auth`, as python-socketio's documentation shows.
Such an event leaves the server before the CONNECT packet.
"""

from __future__ import annotations

import asyncio
from typing import Any

import socketio
from socketio.exceptions import ConnectionRefusedError

from server_under_test.starting.options import Options

NAMESPACES = ("/", "/custom", "/auth")

# Clients have so many seconds to leave.
LEAVE_SECONDS = 1.0


class Contract(socketio.AsyncNamespace):
    """The events of one namespace."""

    async def on_connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        if self.namespace == "/auth" and auth != {"token": "good"}:
            raise ConnectionRefusedError("bad token")
        # A tuple: emit() reads a bare list as one argument, but drops a bare None.
        await self.emit("auth", ({} if auth is None else auth,), to=sid)

    async def on_message(self, sid: str, *arguments: Any) -> None:
        await self.emit("message-back", arguments, to=sid)

    async def on_message_with_ack(self, sid: str, *arguments: Any) -> tuple[Any, ...]:
        return arguments

    async def on_join(self, sid: str, room: Any) -> list[Any]:
        await self.enter_room(sid, room)
        return self.own_rooms(sid)

    async def on_leave(self, sid: str, room: Any) -> list[Any]:
        await self.leave_room(sid, room)
        return self.own_rooms(sid)

    def own_rooms(self, sid: str) -> list[Any]:
        """The sorted rooms of this client, without the personal room that Socket.IO gives everybody."""
        return sorted((room for room in self.rooms(sid) if room != sid), key=str)

    async def on_to(self, sid: str, room: Any, event: str, *arguments: Any) -> None:
        await self.emit(event, arguments, to=room, skip_sid=sid)

    async def on_in(self, sid: str, room: Any, event: str, *arguments: Any) -> None:
        await self.emit(event, arguments, to=room)

    async def on_broadcast(self, sid: str, event: str, *arguments: Any) -> None:
        await self.emit(event, arguments, skip_sid=sid)

    async def on_all(self, sid: str, event: str, *arguments: Any) -> None:
        await self.emit(event, arguments)

    async def on_ask(self, sid: str, event: str, *arguments: Any) -> None:
        """Ask the client, and send its answer back in `asked`."""

        async def answered(*answer: Any) -> None:
            await self.emit("asked", answer, to=sid)

        await self.emit(event, arguments, to=sid, callback=answered)

    async def on_burst(self, sid: str, count: int, size: int) -> None:
        for number in range(count):
            await self.emit("b", (number, "x" * size), to=sid)

    async def on_kick(self, sid: str) -> None:
        """Disconnect this client from this namespace only."""
        await self.disconnect(sid)

    async def on_kick_all(self, sid: str) -> None:
        """Close the whole Engine.IO session, with every namespace in it."""
        manager = self.server.manager
        await self.server.eio.disconnect(manager.eio_sid_from_sid(sid, self.namespace))

    async def trigger_event(self, event: str, *arguments: Any) -> Any:
        """Find the method of an event. Names of events have hyphens, names of methods do not."""
        return await super().trigger_event(event.replace("-", "_"), *arguments)


class Reject(socketio.AsyncNamespace):
    """Refuses everybody."""

    async def on_connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        raise ConnectionRefusedError("not authorized", {"code": "E_AUTH"})


def create_server(async_mode: str, options: Options) -> socketio.AsyncServer:
    """The server with its contract, and with the options of the command line."""
    server = socketio.AsyncServer(
        async_mode=async_mode,
        transports=list(options.transports),
        # Without this the handshake offers an upgrade that the server then refuses.
        allow_upgrades="websocket" in options.transports,
        ping_interval=options.ping_interval,
        ping_timeout=options.ping_timeout,
        max_http_buffer_size=options.max_payload,
        cors_allowed_origins="*",
    )
    for name in NAMESPACES:
        server.register_namespace(Contract(name))
    server.register_namespace(Reject("/reject"))
    return server


async def tell_clients(server: socketio.AsyncServer) -> None:
    """Send every socket a DISCONNECT and every session that stays a CLOSE, with time to read them."""
    for namespace in list(server.manager.get_namespaces()):
        for sid, _ in list(server.manager.get_participants(namespace, None)):
            await server.disconnect(sid, namespace=namespace)
    sessions = server.eio.sockets
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LEAVE_SECONDS
    while loop.time() < deadline and any(not each.closed for each in list(sessions.values())):
        await asyncio.sleep(0.02)
    for each in list(sessions.values()):
        if not each.closed:
            await each.close(wait=False)
    await server.shutdown()
