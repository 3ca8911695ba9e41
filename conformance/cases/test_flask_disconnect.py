"""Flask-SocketIO: disconnect handlers, and the reason that they get.

The handlers tell watchers in `/watch` who left which namespace, and why.
"""

from conformance.cases.flask_apps import in_flask, open_in
from conformance.client.session import Session, Transport
from conformance.expect import (
    arguments_of,
    ask,
    connect,
    expect_alive,
    expect_connected,
    expect_equal,
    expect_event,
    expect_packet,
    is_event,
)
from conformance.requirements import requirement, slow
from conformance.target import Target
from conformance.verdicts import NotApplicable
from conformance.waiting import waiting
from sioprobe.wire import SocketPacketType

NO_REASON = "no reason given"


async def watch_and_leave(
    target: Target, transport: Transport, *namespaces: str
) -> tuple[Session, Session, list[str]]:
    """A watcher, and a session that is connected to the namespaces, with its ids there."""
    app = in_flask(target)
    watcher = await open_in(app, transport, "/watch")
    leaver = await open_in(app, transport, *namespaces)
    return watcher, leaver, [leaver.socket_ids[namespace] for namespace in namespaces]


async def reasons_of(
    watcher: Session, socket_id: str, number: int, seconds: float | None = None
) -> list[str]:
    """The reasons that the handlers told about this client: at least so many, and what follows shortly."""

    def told() -> list[str]:
        told = [arguments_of(packet, 3) for packet in watcher.inbox if is_event(packet, "left")]
        return [reason for _, client, reason in told if client == socket_id]

    async with waiting():
        await watcher.until(
            lambda: len(told()) >= number, watcher.timing.answer if seconds is None else seconds
        )
    await expect_alive(watcher)
    async with waiting():
        await watcher.until(lambda: len(told()) > number, watcher.timing.quiet)
    return told()


async def expect_left(watcher: Session, socket_id: str, *reasons: str) -> None:
    """The handlers told of this client with these reasons, in this order, and no more."""
    expect_equal(await reasons_of(watcher, socket_id, len(reasons)), list(reasons), what="reasons")


@requirement("FSIO-13")
async def test_flask_reason_of_a_disconnect_packet(target: Target, transport: Transport) -> None:
    """The client leaves the namespace."""
    watcher, leaver, (socket_id,) = await watch_and_leave(target, transport, "/leave")

    await leaver.send("41/leave,")

    await expect_left(watcher, socket_id, "client disconnect")


@requirement("FSIO-13")
async def test_flask_reason_of_a_close_packet(target: Target, transport: Transport) -> None:
    """The client ends the session."""
    watcher, leaver, (socket_id,) = await watch_and_leave(target, transport, "/leave")

    await leaver.send("1")

    await expect_left(watcher, socket_id, "client disconnect")


@requirement("FSIO-13")
async def test_flask_reason_of_a_disconnect_by_the_server(target: Target, transport: Transport) -> None:
    """A handler calls disconnect()."""
    watcher, leaver, (socket_id,) = await watch_and_leave(target, transport, "/leave")

    await leaver.send('42/leave,["leave"]')

    await expect_left(watcher, socket_id, "server disconnect")


@requirement("FSIO-13")
async def test_flask_reason_of_a_closed_websocket(target: Target) -> None:
    """By a close frame, then by the end of the connection."""
    if not target.capabilities["websocket"]:
        raise NotApplicable("the server has no websocket")
    watcher, leaver, (socket_id,) = await watch_and_leave(target, "websocket", "/leave")
    dropped = await open_in(in_flask(target), "websocket", "/leave")

    await leaver.websocket.close()
    dropped.websocket.abort()

    await expect_left(watcher, socket_id, "transport close")
    await expect_left(watcher, dropped.socket_ids["/leave"], "transport close")


@slow
@requirement("FSIO-13")
async def test_flask_reason_of_a_silent_client(target: Target, transport: Transport) -> None:
    """It answers no ping. The heartbeat ends it, or the wait for its next packet, which takes as long."""
    if not target.timing.is_fast:
        raise NotApplicable("takes a server whose heartbeat is below 10 s")
    app = in_flask(target)
    watcher = await open_in(app, transport, "/watch")
    silent = await app.open(transport, answer_pings=False)
    await connect(silent, "/leave")

    limit = target.timing.heartbeat + 2 * target.timing.ping_timeout + 5
    told = await reasons_of(watcher, silent.socket_ids["/leave"], 1, limit)
    other = "transport error" if transport == "polling" else "transport close"
    expect_equal(told, ["ping timeout"], [other], what="reasons")


@requirement("FSIO-14")
async def test_flask_acknowledges_after_the_disconnect(target: Target, transport: Transport) -> None:
    """The handler disconnects the client, then returns."""
    session = await open_in(in_flask(target), transport, "/leave")

    await session.send('42/leave,31["leave"]')

    kinds = (SocketPacketType.DISCONNECT, SocketPacketType.ACK)
    first = await expect_packet(session, *kinds, namespace="/leave")
    second = await expect_packet(session, *kinds, namespace="/leave")
    expect_equal([first.type.name, second.type.name], ["DISCONNECT", "ACK"], what="packets")
    expect_equal([second.ack_id, second.data], [31, ["after"]], what="ack")


@requirement("FSIO-15")
async def test_flask_takes_a_client_back_after_its_disconnect(target: Target, transport: Transport) -> None:
    """The session stays; the namespace is connected again with another id."""
    session = await open_in(in_flask(target), transport, "/acks")
    first = session.socket_ids["/acks"]

    await session.send("41/acks,")
    await session.send("40/acks,")

    second = await expect_connected(session, "/acks")
    expect_equal(first != second, True, what="another id:")
    expect_equal(await ask(session, "echo", 1, namespace="/acks"), [1], what="ack")


@requirement("FSIO-15")
async def test_flask_takes_a_client_back_that_it_disconnected(target: Target, transport: Transport) -> None:
    """The server sent the DISCONNECT."""
    session = await open_in(in_flask(target), transport, "/leave")
    first = session.socket_ids["/leave"]

    await session.send('42/leave,["leave"]')
    await expect_packet(session, SocketPacketType.DISCONNECT, namespace="/leave")
    await session.send("40/leave,")

    second = await expect_connected(session, "/leave")
    expect_equal(first != second, True, what="another id:")


@requirement("FSIO-16")
async def test_flask_runs_disconnect_twice_for_a_type_error(target: Target, transport: Transport) -> None:
    """The second run is given no reason."""
    watcher, leaver, (socket_id,) = await watch_and_leave(target, transport, "/leave-type-error")

    await leaver.send("41/leave-type-error,")

    await expect_left(watcher, socket_id, "client disconnect", NO_REASON)


@requirement("FSIO-17")
async def test_flask_takes_a_disconnect_handler_without_reason(target: Target, transport: Transport) -> None:
    """It runs once."""
    watcher, leaver, (socket_id,) = await watch_and_leave(target, transport, "/leave-without-reason")

    await leaver.send("41/leave-without-reason,")

    await expect_left(watcher, socket_id, NO_REASON)


@requirement("FSIO-18")
async def test_flask_tells_each_namespace_once_of_the_end(target: Target, transport: Transport) -> None:
    """The session ends. The handlers of two namespaces run, each with the client's id there."""
    watcher, leaver, (first, second) = await watch_and_leave(target, transport, "/leave", "/leave-too")

    await leaver.send("1")

    await expect_left(watcher, first, "client disconnect")
    await expect_left(watcher, second, "client disconnect")


@requirement("FSIO-19")
async def test_flask_sends_what_a_disconnect_handler_emits_to_its_client(
    target: Target, transport: Transport
) -> None:
    """The client left the namespace, not the session."""
    session = await open_in(in_flask(target), transport, "/leave-speaking")

    await session.send("41/leave-speaking,")

    await expect_event(session, "last words", "client disconnect", namespace="/leave-speaking")
