"""What a peer sees of the heartbeat and of the upgrade from polling to WebSocket."""

import asyncio
import json
import time
from typing import Any

from tests.strict_server_tests.peers import (
    CLOSED,
    SILENCE,
    SILENT,
    PollingPeer,
    WebSocketPeer,
    request,
)
from tests.strict_server_tests.probes import probe


async def _seconds_until(peer: WebSocketPeer, message: str) -> float:
    start = time.monotonic()
    while (received := await peer.receive(4 * SILENCE)) != message:
        if received in (CLOSED, SILENT):
            return -1.0
    return time.monotonic() - start


# Heartbeat. The bounds are wide: they tell a half, a double or a third from the whole on a busy machine.


@probe("EIO-HB-01", [True, True], ping_interval=1.0, ping_timeout=20.0)
async def pings_come_at_the_interval(url: str) -> list[Any]:
    peer = await WebSocketPeer.open_session(url)
    seen = []
    for _ in range(2):
        seconds = await _seconds_until(peer, "2")
        seen.append(0.7 <= seconds <= 1.8)
        peer.send("3")
    return seen


@probe("EIO-HB-03", ["2", CLOSED, True], ping_interval=0.2, ping_timeout=1.0)
async def a_peer_without_a_pong_is_closed(url: str) -> list[Any]:
    peer = await WebSocketPeer.open_session(url)
    ping = await peer.receive()
    start = time.monotonic()
    closed = await peer.receive(2.5)
    return [ping, closed, 0.5 <= time.monotonic() - start <= 2.4]


# Upgrade


async def _probing(url: str) -> tuple[PollingPeer, WebSocketPeer]:
    """A connected polling session and a WebSocket whose probe was answered."""
    peer = await PollingPeer.connect(url)
    websocket = await WebSocketPeer.open(url, peer.open_data["sid"])
    assert isinstance(websocket, WebSocketPeer)
    websocket.send("2probe")
    assert await websocket.receive(2 * SILENCE) == "3probe"
    return peer, websocket


@probe("EIO-UP-03", ["6"])
async def the_probe_ends_the_poll(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    poll = asyncio.ensure_future(peer.poll(deadline=2 * SILENCE))
    await request(url, "GET", "EIO=4&transport=polling")
    websocket = await WebSocketPeer.open(url, peer.open_data["sid"])
    assert isinstance(websocket, WebSocketPeer)
    websocket.send("2probe")
    await websocket.receive()
    return [(await poll).text]


@probe("EIO-UP-05", ['42["message-back",1]', '42["message-back",2]'])
@probe("EIO-WS-02", ['42["message-back",1]', '42["message-back",2]'])
async def packets_wait_for_the_upgrade(url: str) -> list[Any]:
    peer, websocket = await _probing(url)
    await peer.push('42["message",1]\x1e42["message",2]')
    websocket.send("5")
    return list(await websocket.receive_until_fence())


async def _unprobed(url: str, *messages: str) -> tuple[PollingPeer, WebSocketPeer]:
    peer = await PollingPeer.connect(url)
    websocket = await WebSocketPeer.open(url, peer.open_data["sid"])
    assert isinstance(websocket, WebSocketPeer)
    websocket.send(*messages)
    return peer, websocket


@probe("EIO-UP-11", [[CLOSED, '42["message-back",1]']] * 3)
async def a_wrong_probe_closes_the_websocket_only(url: str) -> list[Any]:
    seen = []
    for first in ("xyz", "2", "5"):
        peer, websocket = await _unprobed(url, first)
        closed = await websocket.receive(SILENCE)
        await peer.push('42["message",1]')
        seen.append([closed, (await peer.poll(deadline=SILENCE)).text])
    return seen


@probe("EIO-UP-12", ['42["message-back",1]'])
async def polling_survives_a_lost_websocket(url: str) -> list[Any]:
    peer, websocket = await _probing(url)
    websocket.abort()
    # A poll that waits, instead of being ended by a NOOP, shows that the server has seen the loss.
    deadline = time.monotonic() + 4 * SILENCE
    while (waiting := await _poll_behind_a_push(peer)) == "6" and time.monotonic() < deadline:
        pass
    return [waiting]


async def _poll_behind_a_push(peer: PollingPeer) -> str:
    """What a poll that came before a push of an event brings."""
    poll = asyncio.ensure_future(peer.poll(deadline=SILENCE))
    await request(peer.url, "GET", "EIO=4&transport=polling")
    if not poll.done():
        await peer.push('42["message",1]')
    return (await poll).text


@probe("EIO-SV-01", [True])
async def the_process_stays(url: str) -> list[Any]:
    first, second = [await request(url, "GET", "", path="/about") for _ in range(2)]
    return [json.loads(first.body)["pids"] == json.loads(second.body)["pids"]]
