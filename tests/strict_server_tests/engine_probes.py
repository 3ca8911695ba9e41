"""What a peer sees of Engine.IO: handshake, errors, polling, packets, close, size."""

import asyncio
import json
import time
import zlib
from typing import Any

from tests.strict_server_tests.peers import (
    CLOSED,
    SILENCE,
    Answer,
    HttpPeer,
    PollingPeer,
    WebSocketPeer,
    request,
)
from tests.strict_server_tests.probes import probe

HANDSHAKE = "EIO=4&transport=polling"


async def _status(url: str, method: str, query: str, **options: Any) -> int:
    return (await request(url, method, query, **options)).status


# Handshake


@probe("EIO-HS-04", [400, 400, 400])
async def the_version_is_4(url: str) -> list[Any]:
    return [await _status(url, "GET", f"EIO={version}&transport=polling") for version in ("abc", "5", "3")]


def _refusal(opened: WebSocketPeer | Answer) -> int:
    return opened.status if isinstance(opened, Answer) else 101


@probe("EIO-HS-10", [200, "0{"])
async def the_handshake_is_answered_by_open(url: str) -> list[Any]:
    answer = await request(url, "GET", HANDSHAKE)
    return [answer.status, answer.text[:2]]


@probe("EIO-HS-12", [25000, 20000, 1000000])
async def the_open_data_is_the_configuration(url: str) -> list[Any]:
    data = (await PollingPeer.open(url)).open_data
    return [data["pingInterval"], data["pingTimeout"], data["maxPayload"]]


@probe("EIO-HS-16", [400, 400])
async def an_unknown_session_is_refused(url: str) -> list[Any]:
    query = f"{HANDSHAKE}&sid=unknown"
    return [await _status(url, "GET", query), await _status(url, "POST", query, body=b"40")]


# Errors and CORS


def _error(code: int, message: str) -> list[Any]:
    return [400, "application/json", {"code": code, "message": message}]


def _seen_error(answer: Answer) -> list[Any]:
    return [answer.status, answer.headers["content-type"], answer.json]


@probe("EIO-ER-02", _error(1, "Session ID unknown"))
async def the_error_of_an_unknown_session(url: str) -> list[Any]:
    return _seen_error(await request(url, "GET", f"{HANDSHAKE}&sid=unknown"))


@probe("EIO-CO-01", ["*"])
async def every_origin_may_read(url: str) -> list[Any]:
    answer = await request(url, "GET", HANDSHAKE, headers={"origin": "http://elsewhere.example"})
    return [answer.headers.get("access-control-allow-origin")]


# Polling


async def _is_busy(peer: PollingPeer) -> bool:
    # The two connections race on the server: give the held one a round trip of its own.
    await request(peer.url, "GET", "EIO=4&transport=polling")
    return True


@probe("EIO-PL-03", [400, "1", 400])
async def a_second_poll_closes_the_session(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    first = asyncio.ensure_future(peer.poll(deadline=2 * SILENCE))
    await _is_busy(peer)
    second = await peer.poll(deadline=SILENCE)
    return [second.status, (await first).text, (await peer.poll(deadline=SILENCE)).status]


@probe("EIO-PL-05", ['42["message-back",1]\x1e42["message-back",2]\x1e42["message-back",3]'])
async def a_poll_takes_all_packets_in_order(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push("\x1e".join(f'42["message",{number}]' for number in (1, 2, 3)))
    return [(await peer.poll()).text]


@probe("EIO-PL-11", [200, "40{"])
async def a_push_may_be_chunked(url: str) -> list[Any]:
    peer = await PollingPeer.open(url)
    pushed = await peer.push(b"1\r\n4\r\n1;x=y\r\n0\r\n0\r\n\r\n", {"transfer-encoding": "chunked"})
    return [pushed.status, (await peer.poll(deadline=SILENCE)).text[:3]]


@probe("EIO-PL-16", [400])
async def a_cancelled_poll_closes_the_session(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    cancelled = await HttpPeer.open(url)
    cancelled.send("GET", peer.query)
    await _is_busy(peer)
    cancelled.close()
    deadline = time.monotonic() + 4 * SILENCE
    while (status := (await peer.push("3")).status) == 200 and time.monotonic() < deadline:
        pass
    return [status]


@probe("EIO-PL-21", ["41", "1", "400"])
async def a_server_s_close_ends_with_a_close_packet(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push('42["kick-all"]')
    return await peer.polls_until_refused()


# WebSocket


@probe("EIO-WS-04", [400])
async def a_session_has_one_websocket(url: str) -> list[Any]:
    opened = await WebSocketPeer.open(url)
    assert isinstance(opened, WebSocketPeer)
    packet = await opened.receive()
    assert isinstance(packet, str)
    return [_refusal(await WebSocketPeer.open(url, json.loads(packet[1:])["sid"]))]


@probe("EIO-WS-07", [['42["message-back",1]'], [b"data"], 1002, 1007])
async def frames_follow_their_rfc(url: str) -> list[Any]:
    peer = await WebSocketPeer.connect(url)
    peer.send_frame(0x01, b'42["mess')
    peer.send_frame(0x89, b"data")
    peer.send_frame(0x80, b'age",1]')
    fragments = await peer.receive_until_fence()
    unmasked, wrong_text = await WebSocketPeer.connect(url), await WebSocketPeer.connect(url)
    unmasked.send_frame(0x81, b"3", mask=None)
    wrong_text.send_frame(0x81, b'42["message","\xff"]')
    for broken in (unmasked, wrong_text):
        await broken.receive(2 * SILENCE)
    return [fragments, peer.pongs, unmasked.close_code, wrong_text.close_code]


@probe("EIO-PD-02", ["permessage-deflate", ['42["message-back",1]']])
async def compressed_messages_are_read(url: str) -> list[Any]:
    peer = await WebSocketPeer.open(url, extensions="permessage-deflate")
    assert isinstance(peer, WebSocketPeer)
    await peer.receive()
    deflate = zlib.compressobj(wbits=-15)
    for message in (b"40", b'42["message",1]'):
        peer.send_frame(0xC1, (deflate.compress(message) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4])
    await peer.receive()
    await peer.receive()
    return [peer.extensions, await peer.receive_until_fence()]


async def _after(url: str, *messages: str | bytes) -> list[Any]:
    peer = await WebSocketPeer.connect(url)
    peer.send(*messages)
    return list(await peer.receive_until_fence())


# Packets


@probe("EIO-EN-01", [[CLOSED], [CLOSED], [CLOSED]])
async def an_unknown_packet_type_closes(url: str) -> list[Any]:
    return [await _after(url, text) for text in ("7", "x", '４2["message"]')]


@probe("EIO-EN-03", ["b+/8="])
@probe("EIO-EN-04", ["b+/8="])
async def binary_in_a_payload_is_base64(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push('451-["message",{"_placeholder":true,"num":0}]\x1eb+/8=')
    return (await peer.poll(deadline=SILENCE)).text.split("\x1e")[1:]


# Close and maximum payload


@probe("EIO-CL-04", ['42["e",1]'])
async def packets_before_a_close_count(url: str) -> list[Any]:
    witness, peer = await WebSocketPeer.connect(url), await PollingPeer.connect(url)
    await peer.push('42["broadcast","e",1]\x1e1')
    return list(await witness.receive_until_fence())


@probe("EIO-MX-01", [413, 200], max_payload=1000)
async def a_push_beyond_the_limit_is_refused(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    pushed = await peer.push(f'42["message","{"x" * 1000}"]')
    return [pushed.status, (await peer.push('42["message"]')).status]
