"""What a peer sees of Engine.IO 3 and Socket.IO 4."""

import asyncio
import json
import re
from typing import Any

from tests.strict_server_tests.peers import (
    CLOSED,
    SILENCE,
    SILENT,
    Answer,
    Message,
    WebSocketPeer,
    request,
)
from tests.strict_server_tests.probes import hide_ids, probe

BOTH = (4, 3)
HANDSHAKE = "EIO=3&transport=polling"
OVER_WEBSOCKET = "EIO=3&transport=websocket"
TEXT = {"content-type": "text/plain;charset=UTF-8"}
BINARY = {"content-type": "application/octet-stream"}
HEADER = '451-["message",{"_placeholder":true,"num":0}]'
BACK = '451-["message-back",{"_placeholder":true,"num":0}]'


class Polling3:
    """A session of revision 3 over polling, whose payloads the probe reads by itself."""

    def __init__(self, url: str, query: str, opened: str) -> None:
        self.url = url
        self.query = query
        self.opened = opened

    @classmethod
    async def open(cls, url: str, parameters: str = "") -> "Polling3":
        """What the server sends unasked is in `opened` or has been polled."""
        query = HANDSHAKE + parameters
        opened = (await request(url, "GET", query)).text
        sid = re.findall(r'"sid\\?": ?\\?"([^"\\]+)', opened)[0]
        peer = cls(url, f"{query}&sid={sid}", opened)
        if "auth" not in opened:
            await peer.poll()
        return peer

    async def poll(self, deadline: float = 2 * SILENCE) -> Answer:
        return await request(self.url, "GET", self.query, deadline=deadline)

    async def push(self, body: Message, headers: dict[str, str] | None = None) -> Answer:
        data = body.encode() if isinstance(body, str) else body
        return await request(self.url, "POST", self.query, data, TEXT if headers is None else headers)

    async def polled(self, last: bytes = b"message-back", most: int = 4) -> list[bytes]:
        """The bodies of the polls until one holds `last` or is not answered."""
        bodies: list[bytes] = []
        while len(bodies) < most and not any(last in body for body in bodies):
            answer = await self.poll(SILENCE)
            if answer.status != 200:
                return bodies
            bodies.append(answer.body)
        return bodies


async def connected(url: str) -> WebSocketPeer:
    """A session over WebSocket, what the server sends unasked taken."""
    peer = await WebSocketPeer.open(url, query=OVER_WEBSOCKET)
    assert isinstance(peer, WebSocketPeer), peer
    for _ in range(3):  # OPEN, CONNECT and `auth`
        await peer.receive(SILENCE)
    return peer


@probe(
    "EIO3-01", ["0{", ["pingInterval", "pingTimeout", "sid", "upgrades"], ["websocket"], []], revisions=BOTH
)
async def open_packets(url: str) -> list[Any]:
    body = (await request(url, "GET", HANDSHAKE)).text
    length, _, rest = body.partition(":")
    packet = rest[: int(length)]
    data = json.loads(packet[1:])
    websocket = await WebSocketPeer.open(url, query=OVER_WEBSOCKET)
    assert isinstance(websocket, WebSocketPeer)
    opened = str(await websocket.receive())
    return [packet[:2], sorted(data), data["upgrades"], json.loads(opened[1:])["upgrades"]]


@probe("EIO3-02", [["25:42[\"message-back\",\"€\U0001f600€\"]"]], revisions=BOTH)  # fmt: skip
async def lengths_are_of_utf_16(url: str) -> list[Any]:
    peer = await Polling3.open(url)
    await peer.push('20:42["message","€\U0001f600€"]')
    return [[body.decode() for body in await peer.polled()]]


@probe(
    "EIO3-05",
    [
        200,
        b'\x00\x02\x04\xff42["message-back","\xe2\x82\xac"]\x00\x05\x00\xff' + BACK.encode()
        + b"\x01\x05\xff\x04\x01\x02\x03\x04",
    ],
    revisions=BOTH,
)  # fmt: skip
async def binary_payloads(url: str) -> list[Any]:
    peer = await Polling3.open(url)
    pushed = await peer.push(
        b'\x00\x01\x09\xff42["message","\xe2\x82\xac"]\x00\x04\x05\xff'
        + HEADER.encode()
        + b"\x01\x05\xff\x04\x01\x02\x03\x04",
        BINARY,
    )
    return [pushed.status, *await peer.polled()]


@probe("EIO3-07", ["3"], revisions=BOTH)
async def a_ping_is_answered(url: str) -> list[Any]:
    peer = await connected(url)
    peer.send("2")
    return [await peer.receive(2 * SILENCE)]


@probe("EIO3-08", [CLOSED, True], revisions=BOTH, ping_interval=1.0, ping_timeout=1.0)
async def a_silent_peer_is_closed(url: str) -> list[Any]:
    peer = await WebSocketPeer.open(url, query=OVER_WEBSOCKET)
    assert isinstance(peer, WebSocketPeer)
    start = asyncio.get_running_loop().time()
    while (message := await peer.receive(4.0)) not in (CLOSED, SILENT):
        pass
    return [message, 1.5 <= asyncio.get_running_loop().time() - start <= 4.0]


@probe("SIO4-01", ["40", '42["auth",{}]'], revisions=BOTH)
async def the_main_namespace_is_connected(url: str) -> list[Any]:
    peer = await WebSocketPeer.open(url, query=OVER_WEBSOCKET)
    assert isinstance(peer, WebSocketPeer)
    await peer.receive()
    return [await peer.receive(SILENCE), await peer.receive(SILENCE)]


# (requirement, what the peer sends after the server connected `/`, what it sees before the ack of a fence)
EXCHANGES: list[tuple[str, list[Message], list[Message]]] = [
    ("SIO4-03", ["40/custom?a=1&b=x,"], ["40/custom,", '42/custom,["auth",{"a":"1","b":"x"}]']),
    (
        "SIO4-06",
        ["40/custom,", "41", '42/custom,["message",1]', "41/custom,", "40"],
        ["40/custom,", '42/custom,["auth",{}]', '42/custom,["message-back",1]', "40", '42["auth",{}]'],
    ),
    ("SIO3-01", ["40/custom"], ["40/custom,", '42/custom,["auth",{}]']),
]  # fmt: skip


def _register(requirement: str, sent: list[Message], expected: list[Message]) -> None:
    @probe(requirement, list(expected), revisions=BOTH)
    async def exchange(url: str) -> list[Any]:
        peer = await connected(url)
        peer.send(*sent)
        return hide_ids(await peer.receive_until_fence())


for _exchange in EXCHANGES:
    _register(*_exchange)
