"""What a peer sees of each requirement of Engine.IO 3 and Socket.IO 4."""

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


async def upgraded(url: str) -> tuple[Polling3, WebSocketPeer]:
    peer, websocket = await probing(url)
    websocket.send("5")
    while (await peer.poll(SILENCE)).text == "1:6":  # until the server has acted on it
        pass
    return peer, websocket


async def probing(url: str) -> tuple[Polling3, WebSocketPeer]:
    peer = await Polling3.open(url)
    websocket = await WebSocketPeer.open(url, query=f"{peer.query.replace('polling', 'websocket')}")
    assert isinstance(websocket, WebSocketPeer), websocket
    websocket.send("2probe")
    return peer, websocket


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
    "EIO3-03", [b'20:42["message-back",1]', b'20:42["message-back",2]20:42["message-back",3]'], revisions=BOTH
)
async def several_packets_of_a_payload(url: str) -> list[Any]:
    peer = await Polling3.open(url)
    first = asyncio.ensure_future(peer.poll())
    await request(url, "GET", HANDSHAKE)
    await peer.push('15:42["message",1]15:42["message",2]15:42["message",3]')
    return [(await first).body, *await peer.polled(b'"message-back",3')]


@probe("EIO3-04", [f"50:{BACK}10:b4AQIDBA==".encode()], revisions=BOTH)
async def base64_in_text_payloads(url: str) -> list[Any]:
    peer = await Polling3.open(url, "&b64=1")
    await peer.push(f"45:{HEADER}10:b4AQIDBA==")
    return list(await peer.polled())


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


@probe("EIO3-06", [BACK, b"\x04\x01\x02"], revisions=BOTH)
async def binary_frames(url: str) -> list[Any]:
    peer = await connected(url)
    peer.send(HEADER, b"\x04\x01\x02")
    return [await peer.receive(2 * SILENCE), await peer.receive(2 * SILENCE)]


@probe("EIO3-07", ["3"], revisions=BOTH)
async def a_ping_is_answered(url: str) -> list[Any]:
    peer = await connected(url)
    peer.send("2")
    return [await peer.receive(2 * SILENCE)]


@probe("EIO3-23", ["3data"], revisions=BOTH)
async def a_pong_carries_the_data(url: str) -> list[Any]:
    peer = await connected(url)
    peer.send("2data")
    return [await peer.receive(2 * SILENCE)]


@probe("EIO3-08", [CLOSED, True], revisions=BOTH, ping_interval=1.0, ping_timeout=1.0)
async def a_silent_peer_is_closed(url: str) -> list[Any]:
    peer = await WebSocketPeer.open(url, query=OVER_WEBSOCKET)
    assert isinstance(peer, WebSocketPeer)
    start = asyncio.get_running_loop().time()
    while (message := await peer.receive(4.0)) not in (CLOSED, SILENT):
        pass
    return [message, 1.5 <= asyncio.get_running_loop().time() - start <= 4.0]


@probe("EIO3-08", [CLOSED], revisions=BOTH, ping_interval=0.5, ping_timeout=1.5)
async def a_peer_that_is_silent_after_its_upgrade_is_closed(url: str) -> list[Any]:
    _, websocket = await upgraded(url)
    while (message := await websocket.receive(4.0)) not in (CLOSED, SILENT):
        pass
    return [message]


@probe("EIO3-09", ["2"], revisions=BOTH, ping_interval=0.5)
async def no_ping_of_the_server(url: str) -> list[Any]:
    peer = await connected(url)
    # The ping of a session of revision 4, which began later, says that one would have come by now.
    witness = await WebSocketPeer.open_session(url)
    return [await witness.receive(), *await peer.receive_until_fence()]


@probe(
    "EIO3-10", ["___eio[7](", 200, '___eio[7]("25:42[\\"message-back\\",\\"a\\\\nb\\"]");'], revisions=BOTH
)
async def jsonp(url: str) -> list[Any]:
    peer = await Polling3.open(url, "&j=7")
    form = b"d=20%3A42%5B%22message%22%2C%22a%5C%5Cnb%22%5D"
    pushed = await peer.push(form, {"content-type": "application/x-www-form-urlencoded"})
    return [peer.opened[:10], pushed.status, (await peer.poll()).text]


@probe("EIO3-11", ["*"], revisions=BOTH)
async def cors(url: str) -> list[Any]:
    answer = await request(url, "GET", HANDSHAKE, headers={"origin": "http://other.example"})
    return [answer.headers.get("access-control-allow-origin")]


@probe("EIO3-12", ["3probe", '42["message-back",1]', '42["message-back",2]'], revisions=BOTH)
async def packets_of_the_upgrade(url: str) -> list[Any]:
    peer, websocket = await probing(url)
    seen = [await websocket.receive(2 * SILENCE)]
    await peer.push('15:42["message",1]15:42["message",2]')
    websocket.send("5")
    return [*seen, *await websocket.receive_until_fence()]


@probe("EIO3-13", [400, 400, 400, 400], revisions=BOTH)
async def transports_are_known(url: str) -> list[Any]:
    queries = ("EIO=3", "EIO=3&transport=abc")
    polled = [(await request(url, "GET", query)).status for query in queries]
    sockets = [await WebSocketPeer.open(url, query=query) for query in queries]
    return [*polled, *[one.status if isinstance(one, Answer) else 101 for one in sockets]]


@probe("EIO3-14", ["1:6", 400, CLOSED], revisions=BOTH)
async def a_close_packet_ends_the_session(url: str) -> list[Any]:
    peer, websocket = await Polling3.open(url), await connected(url)
    poll = asyncio.ensure_future(peer.poll())
    await request(url, "GET", HANDSHAKE)
    await peer.push("1:1")
    websocket.send("1")
    return [(await poll).text, (await peer.poll()).status, await websocket.receive(2 * SILENCE)]


@probe("EIO3-15", ["3probe", "1:6"], revisions=BOTH)
async def the_probe_is_answered(url: str) -> list[Any]:
    peer = await Polling3.open(url)
    poll = asyncio.ensure_future(peer.poll())
    await request(url, "GET", HANDSHAKE)
    websocket = await WebSocketPeer.open(url, query=peer.query.replace("polling", "websocket"))
    assert isinstance(websocket, WebSocketPeer)
    websocket.send("2probe")
    return [await websocket.receive(2 * SILENCE), (await poll).text]


@probe("EIO3-17", [400, CLOSED], revisions=BOTH)
async def what_is_no_packet_closes(url: str) -> list[Any]:
    peer, websocket = await Polling3.open(url), await connected(url)
    await peer.push("abc")
    websocket.send("abc")
    return [(await peer.poll()).status, await websocket.receive(2 * SILENCE)]


@probe("EIO3-18", [400, 400], revisions=BOTH)
async def overlapping_polls_close(url: str) -> list[Any]:
    peer = await Polling3.open(url)
    first = asyncio.ensure_future(peer.poll())
    await request(url, "GET", HANDSHAKE)
    second = await peer.poll()
    pushed = await peer.push("1:2")
    await first
    return [second.status, pushed.status]


@probe("EIO3-19", [400, 400], revisions=BOTH)
async def polling_after_the_upgrade_is_refused(url: str) -> list[Any]:
    peer, _ = await upgraded(url)
    return [(await peer.poll()).status, (await peer.push("1:2")).status]


@probe("EIO3-20", [400], revisions=BOTH)
async def a_second_websocket_is_refused(url: str) -> list[Any]:
    peer, _ = await upgraded(url)
    second = await WebSocketPeer.open(url, query=peer.query.replace("polling", "websocket"))
    return [second.status if isinstance(second, Answer) else 101]


@probe("EIO3-21", [400], revisions=BOTH)
async def an_unknown_version_is_refused(url: str) -> list[Any]:
    opened = await WebSocketPeer.open(url, query="EIO=abc&transport=websocket")
    return [opened.status if isinstance(opened, Answer) else 101]


@probe("EIO3-22", [400], revisions=BOTH)
async def a_handshake_is_no_post(url: str) -> list[Any]:
    return [(await request(url, "POST", HANDSHAKE, b"1:2", TEXT)).status]


@probe("EIO3-24", [400, 400, 400], revisions=BOTH)
async def an_unknown_session_is_refused(url: str) -> list[Any]:
    polling, websocket = f"{HANDSHAKE}&sid=unknown", f"{OVER_WEBSOCKET}&sid=unknown"
    statuses = [(await request(url, method, polling, b"1:2", TEXT)).status for method in ("GET", "POST")]
    opened = await WebSocketPeer.open(url, query=websocket)
    return [*statuses, opened.status if isinstance(opened, Answer) else 101]


@probe("SIO4-01", ["40", '42["auth",{}]'], revisions=BOTH)
async def the_main_namespace_is_connected(url: str) -> list[Any]:
    peer = await WebSocketPeer.open(url, query=OVER_WEBSOCKET)
    assert isinstance(peer, WebSocketPeer)
    await peer.receive()
    return [await peer.receive(SILENCE), await peer.receive(SILENCE)]


@probe("SIO4-05", ["3", "3", "3", "3", "3"], revisions=BOTH, ping_interval=0.5, ping_timeout=1.0)
async def a_peer_that_pings_is_kept(url: str) -> list[Any]:
    peer = await connected(url)
    # The pings of a session of revision 4 are the clock: five take longer than the peer could be silent.
    witness = await WebSocketPeer.open_session(url)
    seen: list[Any] = []
    for _ in range(5):
        await witness.receive()
        witness.send("3")
        peer.send("2")
        seen.append(await peer.receive(2 * SILENCE))
    return [*seen, *await peer.receive_until_fence()]


# (requirement, what the peer sends after the server connected `/`, what it sees before the ack of a fence)
EXCHANGES: list[tuple[str, list[Message], list[Message]]] = [
    ("EIO3-16", ['42["message","hello"]'], ['42["message-back","hello"]']),
    ("SIO4-02", ["40/custom,"], ["40/custom,", '42/custom,["auth",{}]']),
    ("SIO4-03", ["40/custom?a=1&b=x,"], ["40/custom,", '42/custom,["auth",{"a":"1","b":"x"}]']),
    ("SIO4-04", ["40/nope,"], ['44/nope,"Invalid namespace"']),
    (
        "SIO4-06",
        ["40/custom,", "41", '42/custom,["message",1]', "41/custom,", "40"],
        ["40/custom,", '42/custom,["auth",{}]', '42/custom,["message-back",1]', "40", '42["auth",{}]'],
    ),
    (
        "SIO4-07",
        [
            '451-5["message-with-ack",{"_placeholder":true,"num":0}]',
            b"\x04\x01",
            '426["message-with-ack","x"]',
        ],
        ['461-5[{"_placeholder":true,"num":0}]', b"\x04\x01", '436["x"]'],
    ),
    ("SIO4-08", ['42["message",1,"2"]'], ['42["message-back",1,"2"]']),
    (
        "SIO4-09",
        ['420["message-with-ack",1]', "40/custom,", '42/custom,13["message-with-ack"]'],
        ["430[1]", "40/custom,", '42/custom,["auth",{}]', "43/custom,13[]"],
    ),
    (
        "SIO4-10",
        [
            '452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
            b"\x04\x01",
            b"\x04\x02",
        ],
        [
            '452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]',
            b"\x04\x01",
            b"\x04\x02",
        ],
    ),
    ("SIO4-11", ['42["ask","q",1]', "430[2]"], ['420["q",1]', '42["asked",2]']),
    ("SIO4-12", ['42["broadcast","e",1]'], []),
    (
        "SIO4-13",
        [
            '421["join","r"]',
            '42["to","r","e",1]',
            '42["to","other","e",2]',
            '422["leave","r"]',
            '42["in","r","e",3]',
        ],
        ['431[["r"]]', "432[[]]"],
    ),
    ("SIO4-14", ["42{}"], [CLOSED]),
    ("SIO4-15", ["40/reject,"], ['44/reject,{"code":"E_AUTH"}']),
    ("SIO4-15", ["40/auth?token=bad,"], ['44/auth,"bad token"']),
    ("SIO4-15", ["40/auth?token=good,"], ["40/auth,", '42/auth,["auth",{"token":"good"}]']),
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
