"""What a peer sees of the heartbeat and of the upgrade from polling to WebSocket."""

import asyncio
import json
import time
from typing import Any

from tests.strict_server_tests.peers import (
    CLOSED,
    SILENCE,
    SILENT,
    Answer,
    HttpPeer,
    PollingPeer,
    WebSocketPeer,
    request,
)
from tests.strict_server_tests.probes import probe

PLACE = '{"_placeholder":true,"num":0}'


async def _seconds_until(peer: WebSocketPeer, message: str) -> float:
    start = time.monotonic()
    while (received := await peer.receive()) != message:
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


@probe("EIO-HB-02", ["2", "2"], ping_interval=0.2, ping_timeout=2.0)
async def a_peer_that_answers_is_pinged_again(url: str) -> list[Any]:
    peer = await WebSocketPeer.open_session(url)
    seen = [await peer.receive()]
    peer.send("3")
    return [*seen, await peer.receive()]


@probe("EIO-HB-02", ["2", CLOSED, True], ping_interval=0.2, ping_timeout=2.0)
async def a_peer_may_take_its_time_to_answer(url: str) -> list[Any]:
    peer = await WebSocketPeer.open_session(url)
    ping = await peer.receive()
    start = time.monotonic()
    return [ping, await peer.receive(), time.monotonic() - start >= 1.2]


@probe("EIO-HB-01", [True], ping_interval=0.5, ping_timeout=20.0)
async def a_busy_peer_is_pinged(url: str) -> list[Any]:
    peer = await WebSocketPeer.connect(url)
    deadline = time.monotonic() + 8 * SILENCE
    while time.monotonic() < deadline:
        peer.send('42["message"]')
        if "2" in (await peer.receive(), await peer.receive(0.1)):
            return [True]
    return [False]


@probe("EIO-HB-03", ["2", CLOSED, True], ping_interval=0.2, ping_timeout=1.0)
async def a_peer_without_a_pong_is_closed(url: str) -> list[Any]:
    peer = await WebSocketPeer.open_session(url)
    ping = await peer.receive()
    start = time.monotonic()
    closed = await peer.receive(2.5)
    return [ping, closed, 0.5 <= time.monotonic() - start <= 2.4]


@probe("EIO-HB-05", [CLOSED])
async def a_client_s_ping_closes(url: str) -> list[Any]:
    peer = await WebSocketPeer.connect(url)
    peer.send("2")
    return list(await peer.receive_until_fence())


@probe("EIO-HB-06", [])
async def a_pong_without_a_ping_is_harmless(url: str) -> list[Any]:
    peer = await WebSocketPeer.connect(url)
    peer.send("3")
    return list(await peer.receive_until_fence())


@probe("EIO-HB-07", ["2"], ping_interval=1.0)
async def pings_go_on_after_the_upgrade(url: str) -> list[Any]:
    _, websocket = await _upgraded(url)
    return [await websocket.receive(4 * SILENCE)]


@probe("EIO-HB-10", ["2", "2"], ping_interval=1.0)
async def a_ping_waits_for_a_poll(url: str) -> list[Any]:
    peer, witness = await PollingPeer.open(url), await WebSocketPeer.open_session(url)
    # The witness's ping says that the interval is over for the peer, too.
    seen = await witness.receive()
    return [seen, (await peer.poll(deadline=SILENCE)).text]


# Upgrade


async def _probing(url: str) -> tuple[PollingPeer, WebSocketPeer]:
    """A connected polling session and a WebSocket whose probe was answered."""
    peer = await PollingPeer.connect(url)
    websocket = await WebSocketPeer.open(url, peer.open_data["sid"])
    assert isinstance(websocket, WebSocketPeer)
    websocket.send("2probe")
    assert await websocket.receive(2 * SILENCE) == "3probe"
    return peer, websocket


async def _upgraded(url: str) -> tuple[PollingPeer, WebSocketPeer]:
    peer, websocket = await _probing(url)
    websocket.send("5")
    # The server acts on `5` in its own time: a refused poll shows that it has.
    while (await peer.poll(deadline=SILENCE)).status == 200:
        pass
    return peer, websocket


@probe("EIO-UP-02", ["3probe"])
async def a_probe_is_answered(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    websocket = await WebSocketPeer.open(url, peer.open_data["sid"])
    assert isinstance(websocket, WebSocketPeer)
    websocket.send("2probe")
    return [await websocket.receive(SILENCE)]


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


@probe("EIO-UP-06", ["6", "6", "6"])
async def every_poll_of_the_upgrade_is_ended(url: str) -> list[Any]:
    peer, _ = await _probing(url)
    return [(await peer.poll(deadline=2 * SILENCE)).text for _ in range(3)]


@probe("EIO-UP-06", [True])
async def a_poll_that_waits_for_the_upgrade_is_ended(url: str) -> list[Any]:
    peer, websocket = await _probing(url)
    waiting = await HttpPeer.open(url)
    waiting.send("GET", peer.query)
    websocket.send("5")
    try:
        async with asyncio.timeout(4 * SILENCE):
            await waiting.receive()
    except TimeoutError:
        return [False]
    return [True]


@probe("SIO-AK-07", ['420["q"]', '42["asked",1]'])
async def a_question_outlives_the_upgrade(url: str) -> list[Any]:
    peer, websocket = await _probing(url)
    await peer.push('42["ask","q"]')
    websocket.send("5", "430[1]")
    return list(await websocket.receive_until_fence())


@probe("EIO-UP-07", [400])
async def polling_is_over_after_the_upgrade(url: str) -> list[Any]:
    peer, websocket = await _probing(url)
    websocket.send("5")
    await websocket.receive_until_fence()
    return [(await peer.poll(deadline=SILENCE)).status]


@probe("EIO-UP-08", [400])
async def pushing_is_over_after_the_upgrade(url: str) -> list[Any]:
    peer, websocket = await _probing(url)
    websocket.send("5")
    await websocket.receive_until_fence()
    return [(await peer.push("3")).status]


@probe("EIO-UP-09", [CLOSED, 200], upgrade_timeout=0.8)
async def an_upgrade_has_a_deadline(url: str) -> list[Any]:
    peer, websocket = await _probing(url)
    return [await websocket.receive(3 * SILENCE), (await peer.push('42["message"]')).status]


async def _unprobed(url: str, *messages: str) -> tuple[PollingPeer, WebSocketPeer]:
    peer = await PollingPeer.connect(url)
    websocket = await WebSocketPeer.open(url, peer.open_data["sid"])
    assert isinstance(websocket, WebSocketPeer)
    websocket.send(*messages)
    return peer, websocket


@probe("EIO-UP-10", [b"ok", '42["message-back",1]'])
async def polling_goes_on_until_the_probe(url: str) -> list[Any]:
    peer, _ = await _unprobed(url)
    pushed = await peer.push('42["message",1]')
    return [pushed.body, (await peer.poll(deadline=SILENCE)).text]


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


@probe("EIO-WS-05", [400])
async def a_second_websocket_is_refused_during_the_upgrade(url: str) -> list[Any]:
    peer, _ = await _probing(url)
    second = await WebSocketPeer.open(url, peer.open_data["sid"])
    return [second.status if isinstance(second, Answer) else 101]


@probe("EIO-UP-14", ["3probe", '42["message-back"]'])
async def an_upgrade_needs_no_waiting_poll(url: str) -> list[Any]:
    _, websocket = await _unprobed(url, "2probe")
    probed = await websocket.receive(2 * SILENCE)
    websocket.send("5", '42["message"]')
    return [probed, await websocket.receive(2 * SILENCE)]


@probe("EIO-UP-15", [f'451-["message-back",{PLACE}]', b"\x01"])
async def binary_is_raw_after_the_upgrade(url: str) -> list[Any]:
    _, websocket = await _probing(url)
    websocket.send("5", f'451-["message",{PLACE}]', b"\x01")
    return [await websocket.receive(), await websocket.receive()]


@probe("EIO-SV-01", [True])
async def the_process_stays(url: str) -> list[Any]:
    first, second = [await request(url, "GET", "", path="/about") for _ in range(2)]
    return [json.loads(first.body)["pids"] == json.loads(second.body)["pids"]]


@probe("EIO-CL-03", [400])
async def a_lost_websocket_ends_the_session(url: str) -> list[Any]:
    peer, websocket = await _upgraded(url)
    websocket.send_frame(0x88, b"\x03\xe8")
    await websocket.receive()
    return [(await peer.poll(deadline=SILENCE)).status]
