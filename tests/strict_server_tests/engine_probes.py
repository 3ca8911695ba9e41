"""What a peer sees of each Engine.IO requirement: handshake, errors, polling, packets, close, size."""

import asyncio
import base64
import gzip
import json
import string
import time
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
from tests.strict_server_tests.probes import hide_ids, probe

HANDSHAKE = "EIO=4&transport=polling"
URL_SAFE = frozenset(string.ascii_letters + string.digits + "-_.~")


async def _status(url: str, method: str, query: str, **options: Any) -> int:
    return (await request(url, method, query, **options)).status


# Handshake


@probe("EIO-HS-01", [404])
async def another_path_is_not_the_endpoint(url: str) -> list[Any]:
    return [await _status(url, "GET", HANDSHAKE, path="/other/")]


@probe("EIO-HS-02", [404])
async def the_path_has_a_trailing_slash(url: str) -> list[Any]:
    return [await _status(url, "GET", HANDSHAKE, path="/socket.io")]


@probe("EIO-HS-03", [400])
async def the_version_is_mandatory(url: str) -> list[Any]:
    return [await _status(url, "GET", "transport=polling")]


@probe("EIO-HS-04", [400, 400, 400])
async def the_version_is_4(url: str) -> list[Any]:
    return [await _status(url, "GET", f"EIO={version}&transport=polling") for version in ("abc", "5", "3")]


@probe("EIO-HS-05", [400])
async def the_transport_is_mandatory(url: str) -> list[Any]:
    return [await _status(url, "GET", "EIO=4")]


@probe("EIO-HS-06", [400])
async def the_transport_is_known(url: str) -> list[Any]:
    return [await _status(url, "GET", "EIO=4&transport=abc")]


@probe("EIO-HS-07", [400, 400, 400])
async def a_wrong_websocket_handshake_is_refused(url: str) -> list[Any]:
    queries = ("transport=websocket", "EIO=4", "EIO=4&transport=abc")
    return [_refusal(await WebSocketPeer.open(url, query=query)) for query in queries]


def _refusal(opened: WebSocketPeer | Answer) -> int:
    return opened.status if isinstance(opened, Answer) else 101


@probe("EIO-HS-08", [400, 400, 400])
async def the_handshake_is_a_get(url: str) -> list[Any]:
    return [await _status(url, method, HANDSHAKE) for method in ("POST", "PUT", "DELETE")]


@probe("EIO-HS-09", [400])
async def websocket_needs_an_upgrade(url: str) -> list[Any]:
    return [await _status(url, "GET", "EIO=4&transport=websocket")]


@probe("EIO-HS-10", [200, "0{"])
async def the_handshake_is_answered_by_open(url: str) -> list[Any]:
    answer = await request(url, "GET", HANDSHAKE)
    return [answer.status, answer.text[:2]]


@probe(
    "EIO-HS-11",
    [{"maxPayload": "int", "pingInterval": "int", "pingTimeout": "int", "sid": "str", "upgrades": "list"}],
)
async def the_open_data_has_five_keys(url: str) -> list[Any]:
    data = (await PollingPeer.open(url)).open_data
    return [{name: type(value).__name__ for name, value in data.items()}]


@probe("EIO-HS-12", [25000, 20000, 1000000])
async def the_open_data_is_the_configuration(url: str) -> list[Any]:
    data = (await PollingPeer.open(url)).open_data
    return [data["pingInterval"], data["pingTimeout"], data["maxPayload"]]


@probe("EIO-HS-13", [["websocket"], []])
async def upgrades_are_those_that_are_left(url: str) -> list[Any]:
    websocket = await WebSocketPeer.open(url)
    assert isinstance(websocket, WebSocketPeer)
    opened = await websocket.receive()
    assert isinstance(opened, str)
    return [(await PollingPeer.open(url)).open_data["upgrades"], json.loads(opened[1:])["upgrades"]]


@probe("EIO-HS-15", [True, True])
async def a_session_id_is_random_and_safe_in_a_url(url: str) -> list[Any]:
    first, second = [(await PollingPeer.open(url)).open_data["sid"] for _ in range(2)]
    differences = sum(one != other for one, other in zip(first, second, strict=True))
    return [URL_SAFE.issuperset(first), differences >= 8]


@probe("EIO-HS-16", [400, 400])
async def an_unknown_session_is_refused(url: str) -> list[Any]:
    query = f"{HANDSHAKE}&sid=unknown"
    return [await _status(url, "GET", query), await _status(url, "POST", query, body=b"40")]


@probe("EIO-HS-17", [200])
async def an_empty_sid_is_a_handshake(url: str) -> list[Any]:
    return [await _status(url, "GET", f"{HANDSHAKE}&sid=")]


@probe("EIO-HS-18", [200])
async def other_parameters_are_ignored(url: str) -> list[Any]:
    return [await _status(url, "GET", f"{HANDSHAKE}&t=abc&colour=red")]


@probe("EIO-HS-19", [400])
async def a_session_keeps_its_version(url: str) -> list[Any]:
    peer = await PollingPeer.open(url)
    return [await _status(url, "POST", peer.query.removeprefix("EIO=4&"), body=b"40")]


@probe("EIO-HS-20", [200, 200, 200, "40{"])
async def sessions_on_one_connection_are_independent(url: str) -> list[Any]:
    peer = await HttpPeer.open(url)
    statuses, sid = [], ""
    for query in (HANDSHAKE, HANDSHAKE):
        peer.send("GET", query)
        answer = await peer.receive()
        statuses.append(answer.status)
        sid = json.loads(answer.text[1:])["sid"]
    peer.send("POST", f"{HANDSHAKE}&sid={sid}", b"40")
    statuses.append((await peer.receive()).status)
    poll = await request(url, "GET", f"{HANDSHAKE}&sid={sid}", deadline=SILENCE)
    return [*statuses, poll.text[:3]]


# Errors and CORS


def _error(code: int, message: str) -> list[Any]:
    return [400, "application/json", {"code": code, "message": message}]


def _seen_error(answer: Answer) -> list[Any]:
    return [answer.status, answer.headers["content-type"], answer.json]


@probe("EIO-ER-01", _error(0, "Transport unknown"))
async def the_error_of_an_unknown_transport(url: str) -> list[Any]:
    return _seen_error(await request(url, "GET", "EIO=4&transport=abc"))


@probe("EIO-ER-02", _error(1, "Session ID unknown"))
async def the_error_of_an_unknown_session(url: str) -> list[Any]:
    return _seen_error(await request(url, "GET", f"{HANDSHAKE}&sid=unknown"))


@probe("EIO-ER-03", _error(2, "Bad handshake method"))
async def the_error_of_a_bad_method(url: str) -> list[Any]:
    return _seen_error(await request(url, "POST", HANDSHAKE))


@probe("EIO-ER-04", _error(3, "Bad request"))
async def the_error_of_a_bad_request(url: str) -> list[Any]:
    return _seen_error(await request(url, "GET", "EIO=4&transport=websocket"))


@probe("EIO-ER-06", _error(5, "Unsupported protocol version"))
async def the_error_of_another_version(url: str) -> list[Any]:
    return _seen_error(await request(url, "GET", "EIO=5&transport=polling"))


@probe("EIO-ER-07", [400])
async def a_websocket_is_refused_by_http(url: str) -> list[Any]:
    return [_refusal(await WebSocketPeer.open(url, query="EIO=4&transport=abc"))]


@probe("EIO-CO-01", ["*"])
async def every_origin_may_read(url: str) -> list[Any]:
    answer = await request(url, "GET", HANDSHAKE, headers={"origin": "http://elsewhere.example"})
    return [answer.headers.get("access-control-allow-origin")]


@probe("EIO-CO-02", [204])
async def a_preflight_is_answered(url: str) -> list[Any]:
    return [await _status(url, "OPTIONS", HANDSHAKE, headers={"origin": "http://elsewhere.example"})]


# Polling


@probe("EIO-PL-01", [200, b"ok"])
async def a_push_is_answered_ok(url: str) -> list[Any]:
    answer = await (await PollingPeer.open(url)).push("40")
    return [answer.status, answer.body]


async def _hold_push(peer: PollingPeer) -> HttpPeer:
    """A POST whose body stays one byte short."""
    held = await HttpPeer.open(peer.url)
    held.send("POST", peer.query, b"4", {"content-length": "2"})
    return held


@probe("EIO-PL-02", [400, 400])
async def a_second_push_closes_the_session(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    held = await _hold_push(peer)
    while (second := await peer.push("3")).status == 200 and not await _is_busy(peer):
        pass
    held.send_raw(b"3")
    return [second.status, (await peer.poll(deadline=SILENCE)).status]


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


@probe("EIO-PL-04", ["(silent)"])
async def a_poll_waits_for_packets(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    return [(await peer.poll(deadline=SILENCE)).text]


@probe("EIO-PL-05", ['42["message-back",1]\x1e42["message-back",2]\x1e42["message-back",3]'])
async def a_poll_takes_all_packets_in_order(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push("\x1e".join(f'42["message",{number}]' for number in (1, 2, 3)))
    return [(await peer.poll()).text]


@probe("EIO-PL-06", ["text/plain; charset=UTF-8", "text/html"])
async def content_types_are_those_of_text(url: str) -> list[Any]:
    peer = await PollingPeer.open(url)
    pushed = await peer.push("40")
    return [(await peer.poll()).headers["content-type"], pushed.headers["content-type"]]


@probe("EIO-PL-07", ["no-store"])
async def polls_are_not_cached(url: str) -> list[Any]:
    return [(await request(url, "GET", HANDSHAKE)).headers.get("cache-control")]


@probe("EIO-PL-08", [400, 400])
async def octets_are_refused(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    pushed = await peer.push("3", {"content-type": "application/octet-stream"})
    return [pushed.status, (await peer.poll(deadline=SILENCE)).status]


@probe("EIO-PL-09", [200, "40{"])
async def a_push_needs_no_content_type(url: str) -> list[Any]:
    peer = await PollingPeer.open(url)
    pushed = await peer.push("40", headers={})
    return [pushed.status, (await peer.poll(deadline=SILENCE)).text[:3]]


@probe("EIO-PL-10", [400])
async def a_push_that_is_not_utf_8_closes(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push(b'42["message","\xff"]')
    return [(await peer.poll(deadline=SILENCE)).status]


@probe("EIO-PL-11", [200, "40{"])
async def a_push_may_be_chunked(url: str) -> list[Any]:
    peer = await PollingPeer.open(url)
    pushed = await peer.push(b"1\r\n4\r\n1;x=y\r\n0\r\n0\r\n\r\n", {"transfer-encoding": "chunked"})
    return [pushed.status, (await peer.poll(deadline=SILENCE)).text[:3]]


@probe("EIO-PL-11", [200, '42["message-back","é"]'])
async def a_character_may_span_chunks(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    chunks = b'f\r\n42["message","\xc3\r\n3\r\n\xa9"]\r\n0\r\n\r\n'
    pushed = await peer.push(chunks, {"transfer-encoding": "chunked"})
    return [pushed.status, (await peer.poll(deadline=SILENCE)).text]


@probe("EIO-PL-12", [200, 400])
async def an_invalid_packet_closes(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    return [(await peer.push("abc")).status, (await peer.poll(deadline=SILENCE)).status]


@probe("EIO-PL-13", [400])
async def an_empty_push_closes(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push("")
    return [(await peer.poll(deadline=SILENCE)).status]


@probe("EIO-PL-14", [400])
async def a_trailing_separator_closes(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push("3\x1e")
    return [(await peer.poll(deadline=SILENCE)).status]


@probe("EIO-PL-15", [40])
async def a_payload_may_hold_many_packets(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push("\x1e".join(['42["message"]'] * 40))
    return [(await peer.poll(deadline=SILENCE)).text.count("message-back")]


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


@probe("EIO-PL-17", ["431[]"])
async def an_event_may_follow_its_connect(url: str) -> list[Any]:
    peer = await PollingPeer.open(url)
    await peer.push('40\x1e421["message-with-ack"]')
    return [(await peer.poll(deadline=SILENCE)).text.split("\x1e")[-1]]


@probe("EIO-PL-18", [None, "gzip", None, True])
async def a_long_poll_is_compressed_on_request(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    seen: list[Any] = []
    body = b""
    for accepted in (None, "gzip", "gzip;q=0"):
        await peer.push(f'42["message","{"x" * 2000}"]')
        answer = await peer.poll({} if accepted is None else {"accept-encoding": accepted})
        seen.append(answer.headers.get("content-encoding"))
        body = answer.body if seen[-1] == "gzip" else body
    return [*seen, bool(body) and b"message-back" in gzip.decompress(body)]


@probe("EIO-PL-19", ["2", "1"], ping_interval=0.5, ping_timeout=1.0)
async def a_poll_ends_with_the_session(url: str) -> list[Any]:
    peer = await PollingPeer.open(url)
    return [(await peer.poll()).text, (await peer.poll(deadline=4 * SILENCE)).text]


@probe("EIO-PL-20", ["6"])
async def a_client_s_close_ends_the_poll(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    poll = asyncio.ensure_future(peer.poll(deadline=2 * SILENCE))
    await _is_busy(peer)
    await peer.push("1")
    return [(await poll).text]


@probe("EIO-CL-01", [200])
async def the_end_of_a_session_ends_its_poll(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    poll = asyncio.ensure_future(peer.poll(deadline=2 * SILENCE))
    await _is_busy(peer)
    await peer.push("1")
    return [(await poll).status]


@probe("EIO-PL-21", ["41", "1", "400"])
async def a_server_s_close_ends_with_a_close_packet(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push('42["kick-all"]')
    return await peer.polls_until_refused()


# WebSocket


@probe("EIO-WS-02", ['40{"sid":"*"}', '42["auth",{}]'])
async def a_websocket_message_is_a_packet(url: str) -> list[Any]:
    peer = await WebSocketPeer.open_session(url)
    peer.send("40")
    return hide_ids([await peer.receive(), await peer.receive()])


@probe("EIO-WS-03", ['451-["message-back",{"_placeholder":true,"num":0}]', b"\x01\x02"])
async def a_binary_frame_is_the_data(url: str) -> list[Any]:
    peer = await WebSocketPeer.connect(url)
    peer.send('451-["message",{"_placeholder":true,"num":0}]', b"\x01\x02")
    return [await peer.receive(), await peer.receive()]


@probe("EIO-WS-04", [400])
async def a_session_has_one_websocket(url: str) -> list[Any]:
    opened = await WebSocketPeer.open(url)
    assert isinstance(opened, WebSocketPeer)
    packet = await opened.receive()
    assert isinstance(packet, str)
    return [_refusal(await WebSocketPeer.open(url, json.loads(packet[1:])["sid"]))]


@probe("EIO-WS-06", [101])
async def a_session_may_start_on_websocket(url: str) -> list[Any]:
    return [_refusal(await WebSocketPeer.open(url))]


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


@probe("EIO-WS-07", [CLOSED, 1000])
async def a_close_frame_is_answered(url: str) -> list[Any]:
    peer = await WebSocketPeer.connect(url)
    peer.send_frame(0x88, b"\x03\xe8")
    return [await peer.receive(), peer.close_code]


@probe("EIO-WS-08", [400])
async def a_websocket_of_an_unknown_session_is_refused(url: str) -> list[Any]:
    return [_refusal(await WebSocketPeer.open(url, "unknown"))]


@probe("EIO-WS-09", [CLOSED])
async def an_empty_frame_closes(url: str) -> list[Any]:
    return await _after(url, "")


async def _after(url: str, *messages: str | bytes) -> list[Any]:
    peer = await WebSocketPeer.connect(url)
    peer.send(*messages)
    return list(await peer.receive_until_fence())


# Packets


@probe("EIO-EN-01", [[CLOSED], [CLOSED], [CLOSED]])
async def an_unknown_packet_type_closes(url: str) -> list[Any]:
    return [await _after(url, text) for text in ("7", "x", '４2["message"]')]


@probe("EIO-EN-02", ['42["message-back",1]', '42["message-back",2]'])
async def packets_are_joined_by_the_record_separator(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push('42["message",1]\x1e42["message",2]')
    return (await peer.poll()).text.split("\x1e")


@probe("EIO-EN-03", ["b+/8="])
@probe("EIO-EN-04", ["b+/8="])
async def binary_in_a_payload_is_base64(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push('451-["message",{"_placeholder":true,"num":0}]\x1eb+/8=')
    return (await peer.poll(deadline=SILENCE)).text.split("\x1e")[1:]


@probe("EIO-EN-04", ["b" + "A" * 80])
async def base64_is_one_line(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push('451-["message",{"_placeholder":true,"num":0}]\x1eb' + "A" * 80)
    return (await peer.poll(deadline=SILENCE)).text.split("\x1e")[1:]


@probe("EIO-EN-12", [400])
async def wrong_base64_closes(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push('451-["message",{"_placeholder":true,"num":0}]\x1eb!!!')
    return [(await peer.poll(deadline=SILENCE)).status]


@probe("EIO-EN-05", ['42["message-back","é€"]'.encode(), '42["message-back","é€"]'])
async def text_is_utf_8(url: str) -> list[Any]:
    polling, websocket = await PollingPeer.connect(url), await WebSocketPeer.connect(url)
    await polling.push('42["message","é€"]')
    websocket.send('42["message","é€"]')
    return [(await polling.poll()).body, await websocket.receive()]


@probe("EIO-EN-11", ["text", "text", "binary", "text"])
async def text_and_binary_keep_their_order(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    event = '451-["message",{"_placeholder":true,"num":0}]'
    await peer.push(f'42["message"]\x1e{event}\x1eb{base64.b64encode(b"x").decode()}\x1e42["message"]')
    packets = (await peer.poll()).text.split("\x1e")
    return ["binary" if packet.startswith("b") else "text" for packet in packets]


# Close and maximum payload


@probe("EIO-CL-01", [200, 400])
async def a_close_packet_ends_a_polling_session(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    return [(await peer.push("1")).status, (await peer.poll(deadline=SILENCE)).status]


@probe("EIO-CL-02", [CLOSED])
async def a_close_packet_ends_a_websocket(url: str) -> list[Any]:
    return await _after(url, "1")


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


@probe("EIO-MX-02", [[CLOSED, 1009]] * 4, max_payload=1000)
async def a_message_beyond_the_limit_closes(url: str) -> list[Any]:
    seen = []
    for message in ("4" * 1001, b"x" * 1001, "4" * 4000, "€" * 400):
        peer = await WebSocketPeer.connect(url)
        peer.send(message)
        seen.append([await peer.receive(2 * SILENCE), peer.close_code])
    return seen


@probe("EIO-MX-04", [200, 200, '42["message-back","'], max_payload=1000)
async def exactly_the_limit_is_accepted(url: str) -> list[Any]:
    text = f'42["message","{"x" * 984}"]'
    assert len(text) == 1000
    polling, websocket = await PollingPeer.connect(url), await WebSocketPeer.connect(url)
    websocket.send(text)
    answer = await websocket.receive()
    pushed = await polling.push(text)
    return [pushed.status, (await polling.poll(deadline=SILENCE)).status, str(answer)[:19]]
