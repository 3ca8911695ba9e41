"""What a peer sees of Socket.IO: exchanges over one WebSocket, then several peers.

In an exchange the peer is connected to the main namespace, sends its messages and a fence (an event that
is acknowledged), and sees what comes before the fence's ack.
"""

import json
import re
from typing import Any

from tests.strict_server_tests.peers import CLOSED, SILENCE, Message, PollingPeer, WebSocketPeer
from tests.strict_server_tests.probes import Probe, hide_ids, probe

PLACE = '{"_placeholder":true,"num":0}'
REFUSAL = '44/reject,{"message":"not authorized","data":{"code":"E_AUTH"}}'
# What a CONNECT to /custom is answered.
CUSTOM = ('40/custom,{"sid":"*"}', '42/custom,["auth",{}]')
PAIR = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'

# (requirement, what the peer sends, what it sees); each exchange has a session of its own.
EXCHANGES: list[tuple[str, list[Message], list[Message]]] = [
    ("SIO-CE-01", ["40/reject"], [REFUSAL]),
    ("SIO-NS-05", ["40/custom", '42/custom,["message"]'], [*CUSTOM, '42/custom,["message-back"]']),
    ("SIO-ER-01", ["4x"], [CLOSED]),
    ("SIO-EN-05", ['42["message",'], [CLOSED]),
    ("SIO-EV-01", ["42{}"], [CLOSED]),
    (
        "SIO-EV-03",
        ['42["message",1,2,3]', '42["message",4]'],
        ['42["message-back",1,2,3]', '42["message-back",4]'],
    ),
    ("SIO-RV-01", ['42["connect"]'], [CLOSED]),
    (
        "SIO-AK-07",
        ['42["ask","q",1]', '42["ask","q",2]', '431["b"]', '430["a"]'],
        ['420["q",1]', '421["q",2]', '42["asked","b"]', '42["asked","a"]'],
    ),
    (
        "SIO-BN-01",
        [f'452-["message",{PAIR}]', b"\x01", b"\x02\x03"],
        [f'452-["message-back",{PAIR}]', b"\x01", b"\x02\x03"],
    ),
    ("SIO-BN-04", [f'451-["message",{PLACE}]', '42["message"]'], [CLOSED]),
    ("SIO-DC-03", ["40/custom", "41/custom,", '42["message"]'], [*CUSTOM, '42["message-back"]']),
    (
        "SIO-RM-01",
        ['421["join","b"]', '422["join","a"]', '423["leave","b"]'],
        ['431[["b"]]', '432[["a","b"]]', '433[["a"]]'],
    ),
    (
        "SIO-CL-09",
        ['421["join","b"]', '422["join","a"]', '423["close-room","b"]', '424["leave","c"]'],
        ['431[["b"]]', '432[["a","b"]]', '433["b"]', '434[["a"]]'],
    ),
    ("SIO-OR-01", ['42["burst",4,1]'], [f'42["b",{number},"x"]' for number in range(4)]),
]


def exchange_probes() -> list[Probe]:
    probes = []
    for requirement, messages, expected in EXCHANGES:

        async def see(url: str, messages: list[Message] = messages) -> list[Any]:
            peer = await WebSocketPeer.connect(url)
            peer.send(*messages)
            return hide_ids(await peer.receive_until_fence())

        probes.append(Probe(requirement, see, expected))
    return probes


# Before and around CONNECT


@probe("SIO-CN-02", ["str"])
async def connect_is_answered_with_a_sid(url: str) -> list[Any]:
    peer = await WebSocketPeer.open_session(url)
    peer.send("40")
    answer = await peer.receive()
    assert isinstance(answer, str)
    data = json.loads(answer[2:] or "{}")
    return [type(data.get("sid")).__name__]


@probe("SIO-CN-04", [CLOSED])
async def an_event_before_connect_closes(url: str) -> list[Any]:
    peer = await WebSocketPeer.open_session(url)
    peer.send('42["message"]')
    return [await peer.receive(2 * SILENCE)]


async def _socket_ids(url: str, *messages: Message) -> list[str]:
    peer = await WebSocketPeer.open(url)
    assert isinstance(peer, WebSocketPeer)
    opened = await peer.receive()
    peer.send(*messages)
    answers = [opened] + [await peer.receive() for _ in range(4)]
    texts = [answer for answer in answers if isinstance(answer, str) and '"sid"' in answer]
    return [json.loads(text[text.index("{") :])["sid"] for text in texts]


@probe("SIO-CN-08", [3])
@probe("SIO-CN-09", [3])
async def every_namespace_has_a_socket_id_of_its_own(url: str) -> list[Any]:
    return [len(set(await _socket_ids(url, "40", "40/custom")))]


# Binary by polling, interleaving, disconnect


@probe("SIO-BN-03", [f'451-["message-back",{PLACE}]', "bAQID"])
async def attachments_travel_in_payloads(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push(f'451-["message",{PLACE}]\x1ebAQID')
    answer = await peer.poll(deadline=SILENCE)
    return answer.text.split("\x1e")


@probe("SIO-DC-04", ["41", "41/custom,", CLOSED])
async def kick_all_closes_the_session(url: str) -> list[Any]:
    peer = await WebSocketPeer.connect(url, "40", "40/custom")
    peer.send('42["kick-all"]')
    return [await peer.receive(2 * SILENCE) for _ in range(3)]


# Several peers


async def _peers(url: str, count: int) -> list[WebSocketPeer]:
    return [await WebSocketPeer.connect(url, "40", "40/custom") for _ in range(count)]


async def _seen(sender: WebSocketPeer, *others: WebSocketPeer) -> list[list[Message]]:
    """What each peer got, the sender first: its fence is behind everything it made the server send."""
    return [await peer.receive_until_fence() for peer in (sender, *others)]


@probe("SIO-RM-02", [[], ['42["e",1]'], ['42["e",1]'], []])
async def a_room_reaches_its_members(url: str) -> list[Any]:
    sender, first, second, outside = await _peers(url, 4)
    for member in (first, second):
        member.send('42["join","r"]')
        await member.receive_until_fence()
    outside.send('42/custom,["join","r"]')
    await outside.receive_until_fence()
    sender.send('42["to","r","e",1]')
    return await _seen(sender, first, second, outside)


@probe("SIO-BC-01", [[], ['42["e",1]'], ['42["e",1]']])
async def a_broadcast_reaches_the_others_once(url: str) -> list[Any]:
    sender, *others = await _peers(url, 3)
    sender.send('42["broadcast","e",1]')
    return await _seen(sender, *others)


@probe("SIO-AK-06", [[], ['420["q"]']])
async def another_peer_s_ack_answers_nothing(url: str) -> list[Any]:
    other, asked = await _peers(url, 2)
    asked.send('42["ask","q"]')
    other.send("430[1]")
    return await _seen(other, asked)


@probe("SIO-BN-13", [[f'451-["message-back",{PLACE}]', b"\x02"], [f'451-["message-back",{PLACE}]', b"\x01"]])
async def peers_wait_for_their_own_attachments(url: str) -> list[Any]:
    first, second = await _peers(url, 2)
    first.send(f'451-["message",{PLACE}]')
    second.send(f'451-["message",{PLACE}]', b"\x02")
    seen = [await second.receive_until_fence()]
    first.send(b"\x01")
    return [*seen, await first.receive_until_fence()]


@probe("SIO-RC-05", ["the same ids", '42["e",1,"*"]', '42["e",2,"*"]'], recovery=True)
async def a_lost_peer_gets_what_it_missed(url: str) -> list[Any]:
    lost = await WebSocketPeer.open_session(url)
    lost.send("40")
    connected, greeting = str(await lost.receive()), str(await lost.receive())
    lost.send('42["join","r"]')
    await lost.receive_until_fence()
    lost.abort()
    [sender] = await _peers(url, 1)
    sender.send('42["to","r","e",1]', '42["to","r","e",2]')
    await sender.receive_until_fence()
    back = await WebSocketPeer.open_session(url)
    shown = {"pid": json.loads(connected[2:])["pid"], "offset": json.loads(greeting[2:])[-1]}
    back.send("40" + json.dumps(shown))
    ids = "the same ids" if await back.receive() == connected else "other ids"
    missed = [str(await back.receive()) for _ in range(2)]
    return [ids, *(re.sub(r'"offset-\d+"', '"*"', event) for event in missed)]
