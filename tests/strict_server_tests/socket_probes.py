"""What a peer sees of each Socket.IO requirement: exchanges over one WebSocket, then several peers.

In an exchange the peer is connected to the main namespace, sends its messages and a fence (an event that
is acknowledged), and sees what comes before the fence's ack.
"""

import json
from typing import Any

from tests.strict_server_tests.peers import CLOSED, SILENCE, SILENT, Message, PollingPeer, WebSocketPeer
from tests.strict_server_tests.probes import Probe, hide_ids, probe

PLACE = '{"_placeholder":true,"num":0}'
REFUSAL = '44/reject,{"message":"not authorized","data":{"code":"E_AUTH"}}'
# What a CONNECT to /custom is answered.
CUSTOM = ('40/custom,{"sid":"*"}', '42/custom,["auth",{}]')
VALUES = 'null,true,false,1,-2.5,"","é€😀",[],{"a":{"b":[0]}}'
PAIR = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'

# (requirement, what the peer sends, what it sees); each exchange has a session of its own.
EXCHANGES: list[tuple[str, list[Message], list[Message]]] = [
    ("SIO-NS-02", ["40/custom?a=b,"], ['44/custom?a=b,{"message":"Invalid namespace"}']),
    ("SIO-EN-04", ['424294967297["message-with-ack"]'], ["434294967297[]"]),
    ("SIO-AK-01", ['42["message"]'], ['42["message-back"]']),
    (
        "SIO-AK-09",
        [f'451-["ask","q",{PLACE}]', b"\x01", "430[1]"],
        [f'451-0["q",{PLACE}]', b"\x01", '42["asked",1]'],
    ),
    ("SIO-CN-03", ["40/nope"], ['44/nope,{"message":"Invalid namespace"}']),
    ("SIO-CN-03", ["40/CUSTOM"], ['44/CUSTOM,{"message":"Invalid namespace"}']),
    ("SIO-CN-06", ['40/custom,{"b":2}'], [CUSTOM[0], '42/custom,["auth",{"b":2}]']),
    ("SIO-CN-10", ["40"], [CLOSED]),
    ("SIO-CN-11", ["40/custom", '42["message"]'], [*CUSTOM, '42["message-back"]']),
    ("SIO-CN-12", ["40/custom,"], [*CUSTOM]),
    ("SIO-CN-12", ["40/custom"], [*CUSTOM]),
    ("SIO-CE-01", ["40/reject"], [REFUSAL]),
    ("SIO-CE-01", ['40/auth,{"token":"bad"}'], ['44/auth,{"message":"bad token"}']),
    ("SIO-CE-01", ['40/auth,{"token":"good"}'], ['40/auth,{"sid":"*"}', '42/auth,["auth",{"token":"good"}]']),
    ("SIO-CE-02", ["40/nope,"], ['44/nope,{"message":"Invalid namespace"}']),
    ("SIO-CE-03", ["40/reject"], [REFUSAL]),
    ("SIO-CE-04", ["40/reject", '42["message"]'], [REFUSAL, '42["message-back"]']),
    ("SIO-CE-05", ['44{"message":"x"}'], [CLOSED]),
    ("SIO-NS-03", ['42/custom,["message"]'], [CLOSED]),
    ("SIO-NS-04", ["41/custom,"], [CLOSED]),
    (
        "SIO-NS-01",
        ["40/custom", f'451-/custom,["message",{PLACE}]', b"\x01"],
        [*CUSTOM, f'451-/custom,["message-back",{PLACE}]', b"\x01"],
    ),
    ("SIO-NS-05", ["40/custom", '42/custom,["message"]'], [*CUSTOM, '42/custom,["message-back"]']),
    ("SIO-ER-01", ["4x"], [CLOSED]),
    ("SIO-EN-02", ["47"], [CLOSED]),
    ("SIO-EN-03", ['421-["message"]'], [CLOSED]),
    ("SIO-EN-05", ['42["message",'], [CLOSED]),
    ("SIO-EN-05", ['42["message",NaN]'], [CLOSED]),
    ("SIO-EN-05", ['42["message"]x'], [CLOSED]),
    ("SIO-EN-06", [f'42["message",{VALUES}]'], [f'42["message-back",{VALUES}]']),
    ("SIO-EN-06", ['42["message",{"Key":"a\\u0000b"}]'], ['42["message-back",{"Key":"a\\u0000b"}]']),
    ("SIO-EN-06", ['42["message","\\ud800"]'], ['42["message-back","\\ud800"]']),
    ("SIO-EV-01", ["42{}"], [CLOSED]),
    ("SIO-EV-01", ["42"], [CLOSED]),
    ("SIO-EV-01", ["42[]"], [CLOSED]),
    ("SIO-EV-02", ["42[null]"], [CLOSED]),
    ("SIO-EV-02", ["42[true]"], [CLOSED]),
    ("SIO-EV-02", ["42[7]"], []),
    (
        "SIO-EV-03",
        ['42["message",1,2,3]', '42["message",4]'],
        ['42["message-back",1,2,3]', '42["message-back",4]'],
    ),
    ("SIO-EV-03", [f'42["ask","{"n" * 65}"]'], [f'420["{"n" * 65}"]']),
    ("SIO-EV-04", ['42["message"]', '42["message"]'], ['42["message-back"]', '42["message-back"]']),
    ("SIO-RV-01", ['42["connect"]'], [CLOSED]),
    ("SIO-RV-01", ['42["connect_error"]'], [CLOSED]),
    ("SIO-RV-01", ['42["disconnect"]'], [CLOSED]),
    ("SIO-RV-01", ['42["disconnecting"]'], [CLOSED]),
    ("SIO-RV-01", ['42["newListener"]'], [CLOSED]),
    ("SIO-RV-01", ['42["removeListener"]'], [CLOSED]),
    ("SIO-RV-02", ['42["all","disconnect"]'], []),
    ("SIO-AK-02", ['421["message-with-ack",1]', '420["message-with-ack"]'], ["431[1]", "430[]"]),
    ("SIO-AK-02", ['4265536["message-with-ack",1]'], ["4365536[1]"]),
    ("SIO-AK-03", ['421["message-with-ack",1,2]'], ["431[1,2]"]),
    ("SIO-AK-03", ['421["message-with-ack"]'], ["431[]"]),
    ("SIO-AK-03", ['431{"a":1}'], [CLOSED]),
    ("SIO-AK-04", ["40/custom", '42/custom,13["message-with-ack","a"]'], [*CUSTOM, '43/custom,13["a"]']),
    (
        "SIO-AK-04",
        ["40/custom", f'451-/custom,13["message-with-ack",{PLACE}]', b"\x01"],
        [*CUSTOM, f"461-/custom,13[{PLACE}]", b"\x01"],
    ),
    ("SIO-AK-05", ['421["message-with-ack"]'], ["431[]"]),
    ("SIO-AK-06", ["4377[]"], []),
    ("SIO-AK-06", ["40/custom", '42["ask","q"]', "43/custom,0[1]"], [*CUSTOM, '420["q"]']),
    ("SIO-AK-06", ['42["ask","q"]', "430[1]", "430[1]"], ['420["q"]', '42["asked",1]']),
    (
        "SIO-AK-07",
        ['42["ask","q",1]', '42["ask","q",2]', '431["b"]', '430["a"]'],
        ['420["q",1]', '421["q",2]', '42["asked","b"]', '42["asked","a"]'],
    ),
    (
        "SIO-AK-07",
        ["40/custom", '42["ask","q"]', "41/custom,", "430[1]"],
        [*CUSTOM, '420["q"]', '42["asked",1]'],
    ),
    ("SIO-AK-08", [f'451-5["message-with-ack",{PLACE}]', b"\x01"], [f"461-5[{PLACE}]", b"\x01"]),
    ("SIO-AK-08", [f'451-5["join",{PLACE}]', b"\x01"], ["435[[]]"]),
    (
        "SIO-BN-01",
        [f'452-["message",{PAIR}]', b"\x01", b"\x02\x03"],
        [f'452-["message-back",{PAIR}]', b"\x01", b"\x02\x03"],
    ),
    (
        "SIO-BN-02",
        [f'451-["message",{{"a":[{{"b":{PLACE}}}]}}]', b"\x07"],
        [f'451-["message-back",{{"a":[{{"b":{PLACE}}}]}}]', b"\x07"],
    ),
    (
        "SIO-BN-02",
        ['451-["message",{"num":0,"_placeholder":true}]', b"\x07"],
        [f'451-["message-back",{PLACE}]', b"\x07"],
    ),
    ("SIO-BN-04", [f'451-["message",{PLACE}]', '42["message"]'], [CLOSED]),
    ("SIO-BN-05", [b"\x01"], [CLOSED]),
    ("SIO-BN-06", ['451-["message",{"_placeholder":true,"num":-1}]', b"\x01"], [CLOSED]),
    ("SIO-BN-06", ['451-["message",{"_placeholder":true,"num":1}]', b"\x01"], [CLOSED]),
    ("SIO-BN-06", ['451-["message",{"_placeholder":true,"num":"0"}]', b"\x01"], [CLOSED]),
    ("SIO-BN-07", ["45"], [CLOSED]),
    ("SIO-BN-07", ['45-["message"]'], [CLOSED]),
    ("SIO-BN-07", [f'45["message",{PLACE}]', b"\x01"], [CLOSED]),
    ("SIO-BN-08", ['450-["message"]'], [CLOSED]),
    ("SIO-BN-09", [f'4511-["message",{PLACE}]', *[b"\x01"] * 11], [CLOSED]),
    ("SIO-BN-10", [f'451-["message",{PLACE}]', "3", b"\x01"], [f'451-["message-back",{PLACE}]', b"\x01"]),
    ("SIO-BN-11", ['42["message",1]'], ['42["message-back",1]']),
    ("SIO-BN-12", [f'42["message",{PLACE}]'], [f'42["message-back",{PLACE}]']),
    ("SIO-BN-14", [f'451-["message",{PLACE}]', b""], [f'451-["message-back",{PLACE}]', b""]),
    ("SIO-DC-02", ["41", '42["message"]'], [CLOSED]),
    ("SIO-DC-03", ["40/custom", "41/custom,", '42["message"]'], [*CUSTOM, '42["message-back"]']),
    ("SIO-DC-04", ['42["kick"]'], ["41", CLOSED]),
    ("SIO-DC-05", ['42["kick"]'], ["41", CLOSED]),
    ("SIO-DC-05", ["40/custom", '41/custom,{"a":1}'], [*CUSTOM, CLOSED]),
    (
        "SIO-RM-01",
        ['421["join","b"]', '422["join","a"]', '423["leave","b"]'],
        ['431[["b"]]', '432[["a","b"]]', '433[["a"]]'],
    ),
    ("SIO-RM-01", [f'421["join","{"r" * 33}"]'], [f'431[["{"r" * 33}"]]']),
    (
        "SIO-RM-03",
        ['421["join","a"]', '42["in","a","e",1]', '42["to","a","e",2]'],
        ['431[["a"]]', '42["e",1]'],
    ),
    (
        "SIO-RM-04",
        ['421["join","a"]', "41", "40", '422["join","b"]'],
        ['431[["a"]]', '40{"sid":"*"}', '42["auth",{}]', '432[["b"]]'],
    ),
    ("SIO-BC-02", ['42["all","e",1]'], ['42["e",1]']),
    ("SIO-OR-01", ['42["burst",4,1]'], [f'42["b",{number},"x"]' for number in range(4)]),
    ("SIO-OR-02", ['42["message",1]', '42["message",2]'], ['42["message-back",1]', '42["message-back",2]']),
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


@probe("EIO-EN-07", [CLOSED])
async def text_that_looks_like_json_closes(url: str) -> list[Any]:
    peer = await WebSocketPeer.connect(url)
    peer.send("4true")
    return [await peer.receive(2 * SILENCE)]


@probe("SIO-CN-01", [SILENT])
async def nobody_is_connected_unasked(url: str) -> list[Any]:
    return hide_ids([await (await WebSocketPeer.open_session(url)).receive(SILENCE)])


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


@probe("SIO-CN-05", [CLOSED], connect_timeout=0.2)
async def a_client_that_never_connects_is_closed(url: str) -> list[Any]:
    return [await (await WebSocketPeer.open_session(url)).receive(4 * SILENCE)]


@probe("SIO-CN-06", [['40{"sid":"*"}', '42["auth",{"a":[1]}]'], ['40{"sid":"*"}', '42["auth",{}]']])
async def auth_reaches_the_application(url: str) -> list[Any]:
    seen = []
    for connect in ('40{"a":[1]}', "40"):
        peer = await WebSocketPeer.open_session(url)
        peer.send(connect)
        seen.append(hide_ids([await peer.receive(), await peer.receive(SILENCE)]))
    return seen


@probe("SIO-CN-07", [CLOSED] * 3)
async def connect_with_other_data_than_an_object_closes(url: str) -> list[Any]:
    seen = []
    for connect in ('40"abc"', "40[1]", "40null"):
        peer = await WebSocketPeer.open_session(url)
        peer.send(connect)
        seen.append(hide_ids([await peer.receive(2 * SILENCE)])[0])
    return seen


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


@probe("SIO-CN-13", [3])
async def connecting_again_gives_another_socket_id(url: str) -> list[Any]:
    return [len(set(await _socket_ids(url, "40", "41", "40")))]


@probe("SIO-CN-14", [['40{"sid":"*"}', '42["auth",{}]']])
async def the_connect_answer_comes_first(url: str) -> list[Any]:
    peer = await WebSocketPeer.open_session(url)
    peer.send("40")
    return [hide_ids([await peer.receive(), await peer.receive()])]


@probe("SIO-CE-04", [['42["e",1]']])
async def a_refused_client_gets_no_broadcast(url: str) -> list[Any]:
    refused = await WebSocketPeer.connect(url)
    refused.send('40/auth,{"token":"bad"}')
    await refused.receive()
    member = await WebSocketPeer.connect(url, "40", '40/auth,{"token":"good"}')
    member.send('42/auth,["broadcast","e",0]', '42["broadcast","e",1]')
    await member.receive_until_fence()
    return [await refused.receive_until_fence()]


@probe("SIO-NS-01", [['42/custom,["message-back",1]']])
async def events_of_a_custom_namespace_name_it(url: str) -> list[Any]:
    peer = await WebSocketPeer.connect(url, "40", "40/custom")
    peer.send('42/custom,["message",1]')
    return [await peer.receive_until_fence()]


# Binary by polling, interleaving, disconnect


@probe("SIO-BN-03", [f'451-["message-back",{PLACE}]', "bAQID"])
async def attachments_travel_in_payloads(url: str) -> list[Any]:
    peer = await PollingPeer.connect(url)
    await peer.push(f'451-["message",{PLACE}]\x1ebAQID')
    answer = await peer.poll(deadline=SILENCE)
    return answer.text.split("\x1e")


@probe("SIO-BN-13", [f'451-["message-back",{PLACE}]', b"\x01", f'451-["message-back",{PLACE}]', b"\x02"])
async def attachments_follow_their_header(url: str) -> list[Any]:
    peer = await WebSocketPeer.connect(url)
    for attachment in (b"\x01", b"\x02"):
        peer.send(f'451-["message",{PLACE}]', attachment)
    return [await peer.receive() for _ in range(4)]


@probe("SIO-DC-01", [['40{"sid":"*"}', '42["auth",{}]']])
async def a_disconnect_is_silent_and_frees_the_namespace(url: str) -> list[Any]:
    peer = await WebSocketPeer.connect(url)
    peer.send("41", "40")
    return [hide_ids(await peer.receive_until_fence())]


@probe("SIO-DC-04", [[]])
async def a_kicked_client_gets_no_broadcast(url: str) -> list[Any]:
    kicked = await WebSocketPeer.connect(url, "40/custom", "40")
    kicked.send('42/custom,["kick"]')
    await kicked.receive_until_fence()
    other = await WebSocketPeer.connect(url, "40", "40/custom")
    other.send('42/custom,["broadcast","e",1]')
    await other.receive_until_fence()
    return [await kicked.receive_until_fence()]


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


@probe("SIO-RM-04", [[], [], ['42/custom,["e",1]']])
async def a_room_outlives_a_member(url: str) -> list[Any]:
    sender, gone, stays = await _peers(url, 3)
    for peer in (gone, stays):
        peer.send('42/custom,["join","r"]')
        await peer.receive_until_fence()
    gone.send("41/custom,")
    await gone.receive_until_fence()
    sender.send('42/custom,["to","r","e",1]')
    return await _seen(sender, gone, stays)


@probe("SIO-RM-04", [[], []])
async def a_disconnected_client_gets_nothing_of_its_rooms(url: str) -> list[Any]:
    sender, gone = await _peers(url, 2)
    gone.send('42/custom,["join","r"]', "41/custom,")
    await gone.receive_until_fence()
    sender.send('42/custom,["to","r","e",1]')
    return await _seen(sender, gone)


@probe("SIO-BC-01", [[], ['42["e",1]'], ['42["e",1]']])
async def a_broadcast_reaches_the_others_once(url: str) -> list[Any]:
    sender, *others = await _peers(url, 3)
    sender.send('42["broadcast","e",1]')
    return await _seen(sender, *others)


@probe("SIO-BC-01", [9])
async def a_broadcast_reaches_many(url: str) -> list[Any]:
    sender, *others = await _peers(url, 10)
    sender.send('42["broadcast","e",1]')
    return [(await _seen(sender, *others)).count(['42["e",1]'])]


@probe("SIO-BC-01", ['42["e",1]'])
async def a_broadcast_waits_for_a_poll(url: str) -> list[Any]:
    sender, between_polls = await WebSocketPeer.connect(url), await PollingPeer.connect(url)
    sender.send('42["broadcast","e",1]')
    await sender.receive_until_fence()
    return [(await between_polls.poll(deadline=SILENCE)).text]


@probe("SIO-EV-04", [['42["message-back",1]'], []])
async def an_answer_is_for_one_peer(url: str) -> list[Any]:
    sender, other = await _peers(url, 2)
    sender.send('42["message",1]')
    return await _seen(sender, other)


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


@probe("SIO-RM-02", [[], []])
async def a_room_s_name_has_its_case(url: str) -> list[Any]:
    sender, other = await _peers(url, 2)
    other.send('42["join","R"]')
    await other.receive_until_fence()
    sender.send('42["to","r","e",1]')
    return await _seen(sender, other)


@probe("SIO-BC-02", [['42["e",1]'], ['42["e",1]']])
async def all_reaches_everybody(url: str) -> list[Any]:
    sender, other = await _peers(url, 2)
    sender.send('42["all","e",1]')
    return await _seen(sender, other)


@probe("SIO-BC-03", [[], []])
async def a_broadcast_stays_in_its_namespace(url: str) -> list[Any]:
    sender = await WebSocketPeer.connect(url, "40", "40/custom")
    other = await WebSocketPeer.connect(url)
    sender.send('42/custom,["broadcast","e",1]')
    return await _seen(sender, other)
