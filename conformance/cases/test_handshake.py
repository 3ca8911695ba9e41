"""Handshake: the request that opens a session, and what refuses it."""

import asyncio
import json
import re
from typing import Any
from urllib.parse import quote

from conformance.cases.foretelling import follows_from_order
from conformance.client.http import Answer, HttpConnection, NoAnswer
from conformance.client.revisions import REVISION_4
from conformance.client.session import PROTOCOL, Transport
from conformance.client.transcript import quoted, shown
from conformance.client.websocket import WebSocket
from conformance.expect import REFUSED_METHOD, expect_equal, expect_refused, expect_status
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Inconclusive, NonStrict, NotApplicable, Violation
from sioprobe.wire import (
    EnginePacketType,
    SocketPacket,
    SocketPacketType,
    decode_payload,
    encode_socket_packet,
)
from sioprobe.wire.cookies import Cookies

HANDSHAKE = "EIO=4&transport=polling"
OPEN_KEYS = {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}
SESSIONS = 200
SESSIONS_AT_ONCE = 20


async def first_packet(target: Target, transport: str, cookies: Cookies | None = None) -> str:
    """The raw first packet of a handshake."""
    if transport == "polling":
        answer = expect_status(await target.request("GET", HANDSHAKE, cookies=cookies), 200)
        return answer.text.split("\x1e")[0]
    websocket = await target.websocket("EIO=4&transport=websocket")
    if not isinstance(websocket, WebSocket):
        raise Violation("101 Switching Protocols", str(websocket))
    return str(await websocket.receive())


async def open_data(target: Target, transport: str, cookies: Cookies | None = None) -> dict[str, Any]:
    packet = await first_packet(target, transport, cookies)
    if not packet.startswith("0{"):
        raise Inconclusive(f"first packet is {quoted(packet, 60)}")
    data: dict[str, Any] = json.loads(packet[1:])
    return data


@requirement("EIO-HS-10")
async def test_answers_a_handshake_with_an_open_packet(target: Target, transport: Transport) -> None:
    """The first packet of a session is OPEN."""
    packet = await first_packet(target, transport)

    expect_equal(packet[:2], "0{", what="packet that starts with")


@requirement("EIO-HS-11")
async def test_open_packet_holds_five_keys_of_the_right_types(target: Target, transport: Transport) -> None:
    """sid is text, upgrades an array of texts, the other three are numbers."""
    data = await open_data(target, transport)

    expect_equal(sorted(data.keys() & OPEN_KEYS), sorted(OPEN_KEYS), what="keys")
    for key in ("pingInterval", "pingTimeout", "maxPayload"):
        if isinstance(data[key], bool) or not isinstance(data[key], (int, float)):
            raise Violation(f"a number as {key}", f"{key} {shown(data[key])}")
    if not isinstance(data["sid"], str) or not data["sid"]:
        raise Violation("a text as sid", f"sid {shown(data['sid'])}")
    if not isinstance(data["upgrades"], list):
        raise Violation("an array as upgrades", f"upgrades {shown(data['upgrades'])}")
    if further := sorted(data.keys() - OPEN_KEYS):
        # The official tests ask for exactly these keys; the protocol does not say that there are no others.
        raise NonStrict("no further keys", f"also {', '.join(further)}")


@requirement("EIO-HS-12")
async def test_open_packet_holds_the_configured_times(target: Target) -> None:
    """pingInterval and pingTimeout are the declared ones, in milliseconds."""
    if not {"ping_interval", "ping_timeout"} <= target.settings.keys():
        raise NotApplicable("ping_interval and ping_timeout are not declared in [settings] of a profile")
    data = await open_data(target, "polling")

    expect_equal(data.get("pingInterval"), target.settings["ping_interval"] * 1000, what="pingInterval")
    expect_equal(data.get("pingTimeout"), target.settings["ping_timeout"] * 1000, what="pingTimeout")


@requirement("EIO-HS-13")
async def test_offers_the_upgrades_that_there_are(target: Target, transport: Transport) -> None:
    """On polling it offers WebSocket if it upgrades, on WebSocket nothing."""
    data = await open_data(target, transport)

    upgrades = ["websocket"] if transport == "polling" and target.capabilities["upgrade"] else []
    expect_equal(data.get("upgrades"), upgrades, what="upgrades")


@requirement("EIO-HS-15")
async def test_session_ids_do_not_follow_from_one_another(target: Target) -> None:
    """Two hundred sessions: all ids differ, and do not follow from their order."""
    ids = await ids_of_sessions(target, SESSIONS)

    expect_equal(len(set(ids)), SESSIONS, what="number of different session ids")
    if follows_from_order(ids):
        raise Violation(
            "ids that cannot be foretold", f"ids that count or follow the clock: {', '.join(ids[:3])}"
        )


@requirement("EIO-HS-22")
async def test_a_session_id_needs_no_escaping(target: Target) -> None:
    """Twenty session ids."""
    for session_id in await ids_of_sessions(target, 20):
        if not re.fullmatch(r"[A-Za-z0-9_.~-]+", session_id):
            raise Violation("only characters that a URL takes unescaped", "a sid with others")


async def ids_of_sessions(target: Target, number: int) -> list[str]:
    """The ids of new sessions in the order in which they came. Each session is closed at once."""
    ids: list[str] = []
    closing: list[asyncio.Task[Answer | NoAnswer]] = []

    async def visit() -> None:
        for _ in range(number // SESSIONS_AT_ONCE):
            client = target.address.new_cookies()
            session_id = (await open_data(target, "polling", client))["sid"]
            if not isinstance(session_id, str):
                raise Inconclusive(f"the sid of a handshake is {shown(session_id)}")
            ids.append(session_id)
            query = f"{HANDSHAKE}&sid={quote(session_id)}"
            closing.append(asyncio.create_task(target.request("POST", query, body=b"1", cookies=client)))

    outcomes = await asyncio.gather(*(visit() for _ in range(SESSIONS_AT_ONCE)), return_exceptions=True)
    await asyncio.gather(*closing, return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome
    return ids


@requirement("EIO-HS-01")
async def test_is_not_served_at_another_path(target: Target) -> None:
    """A handshake at another path opens no session."""
    answer = await target.request("GET", HANDSHAKE, path="/not-the-endpoint/", seconds=target.timing.close)

    if isinstance(answer, Answer) and answer.status == 200 and answer.text.startswith('0{"'):
        raise Violation("no OPEN packet", str(answer))


@requirement("EIO-HS-02")
async def test_is_not_served_without_the_trailing_slash(target: Target) -> None:
    """`/socket.io?…` is not `/socket.io/?…`."""
    answer = await target.request(
        "GET", HANDSHAKE, path=target.address.path.rstrip("/"), seconds=target.timing.close
    )

    if isinstance(answer, Answer) and answer.status == 200 and answer.text.startswith('0{"'):
        raise Violation("no OPEN packet", str(answer))


@requirement("EIO-HS-03")
async def test_refuses_a_handshake_without_eio(target: Target) -> None:
    """EIO is mandatory."""
    answer = await target.request("GET", "transport=polling")

    expect_status(answer, 400)


@requirement("EIO-HS-04")
async def test_refuses_a_handshake_with_an_unknown_eio(target: Target) -> None:
    """Neither a word nor a future revision is a known EIO."""
    word = await target.request("GET", "EIO=abc&transport=polling")
    future = await target.request("GET", "EIO=5&transport=polling")

    expect_status(word, 400)
    expect_status(future, 400)


@requirement("EIO-HS-04")
async def test_answers_revision_3_in_its_own_encoding_or_not_at_all(target: Target) -> None:
    """A server may know revision 3, whose payload begins with the length of its first packet."""
    answer = await target.request("GET", "EIO=3&transport=polling")

    if isinstance(answer, Answer) and answer.status == 200:
        if not re.match(rb"[0-9]+:0\{|\x00[\x00-\x09]+\xff0\{", answer.body):
            raise Violation(("HTTP 400", "a payload of revision 3"), str(answer))
    else:
        expect_status(answer, 400)


@requirement("EIO-HS-05")
async def test_refuses_a_handshake_without_transport(target: Target) -> None:
    """transport is mandatory."""
    answer = await target.request("GET", "EIO=4")

    expect_status(answer, 400)


@requirement("EIO-HS-06")
async def test_refuses_a_handshake_with_an_unknown_transport(target: Target) -> None:
    """Only polling and websocket (and webtransport) are transports."""
    answer = await target.request("GET", "EIO=4&transport=abc")

    expect_status(answer, 400)


@requirement("EIO-HS-07")
async def test_refuses_a_websocket_without_eio(target: Target) -> None:
    """Refused by HTTP 400, or by a WebSocket that closes at once."""
    outcome = await target.websocket("transport=websocket")

    await expect_refused(target, outcome)


@requirement("EIO-HS-07")
async def test_refuses_a_websocket_with_an_unknown_eio(target: Target) -> None:
    """Refused by HTTP 400, or by a WebSocket that closes at once."""
    outcome = await target.websocket("EIO=abc&transport=websocket")

    await expect_refused(target, outcome)


@requirement("EIO-HS-07")
async def test_refuses_a_websocket_with_an_unknown_transport(target: Target) -> None:
    """Refused by HTTP 400, or by a WebSocket that closes at once."""
    outcome = await target.websocket("EIO=4&transport=abc")

    await expect_refused(target, outcome)


@requirement("EIO-HS-08")
async def test_refuses_a_handshake_by_post(target: Target) -> None:
    """Only GET opens a session."""
    answer = await target.request("POST", HANDSHAKE, body=b"40")

    expect_status(answer, *REFUSED_METHOD)


@requirement("EIO-HS-08")
async def test_refuses_a_handshake_by_put(target: Target) -> None:
    """Only GET opens a session."""
    answer = await target.request("PUT", HANDSHAKE, body=b"40")

    expect_status(answer, *REFUSED_METHOD)


@requirement("EIO-HS-09")
async def test_refuses_a_websocket_without_an_upgrade_header(target: Target) -> None:
    """An ordinary GET with transport=websocket opens nothing."""
    answer = await target.request("GET", "EIO=4&transport=websocket")

    expect_status(answer, 400)


@requirement("EIO-HS-16")
async def test_refuses_a_poll_of_an_unknown_session(target: Target) -> None:
    """A poll with a sid that the server has not given."""
    answer = await target.request("GET", f"{HANDSHAKE}&sid=AAAAAAAAAAAAAAAAAAAA")

    expect_status(answer, 400)


@requirement("EIO-HS-16")
async def test_refuses_a_push_to_an_unknown_session(target: Target) -> None:
    """A push with a sid that the server has not given."""
    answer = await target.request("POST", f"{HANDSHAKE}&sid=AAAAAAAAAAAAAAAAAAAA", body=b"40")

    expect_status(answer, 400)


@requirement("EIO-HS-17")
async def test_takes_an_empty_sid_as_a_handshake(target: Target) -> None:
    """`sid=` names no session."""
    answer = await target.request("GET", f"{HANDSHAKE}&sid=")

    expect_equal(expect_status(answer, 200).text[:2], "0{", what="body that starts with")


@requirement("EIO-HS-18")
async def test_ignores_unknown_query_parameters(target: Target) -> None:
    """`t` defeats caches, and applications send parameters of their own."""
    answer = await target.request("GET", f"{HANDSHAKE}&t=abc123&unknown=x%20y&b")

    expect_equal(expect_status(answer, 200).text[:2], "0{", what="body that starts with")


@requirement("EIO-HS-19")
async def test_refuses_a_request_of_a_session_without_eio(target: Target) -> None:
    """A push that names its transport and its session only."""
    session = await target.open("polling")

    answer = await session.request("POST", f"transport=polling&sid={quote(session.session_id)}", body=b"40")

    expect_status(answer, 400)


@requirement("EIO-HS-20")
async def test_sessions_on_one_connection_are_independent(target: Target) -> None:
    """Two handshakes and a poll of the first session, all on one TCP connection."""
    connection = await HttpConnection.open(target.address, target.timing.answer)
    if not isinstance(connection, HttpConnection):
        raise Inconclusive(str(connection))
    ids = []
    try:
        for _ in range(2):
            answer = await on_connection(target, connection, "GET", PROTOCOL + "&transport=polling")
            if (answer.header("connection") or "").lower() == "close":
                raise NotApplicable("the server keeps no HTTP connection open")
            ids.append(REVISION_4.decode_open(next(decode_payload(answer.body))).session_id)
        for session_id in ids:
            connect = encode_socket_packet(SocketPacket(SocketPacketType.CONNECT, data=target.auth))
            body = f"4{connect[0]}".encode()
            query = f"{HANDSHAKE}&sid={quote(session_id)}"
            await on_connection(target, connection, "POST", query, body)
        sids = []
        for session_id in ids:
            query = f"{HANDSHAKE}&sid={quote(session_id)}"
            answer = await on_connection(target, connection, "GET", query)
            packets = decode_payload(answer.body)
            connects = [
                p.data for p in packets if p.type is EnginePacketType.MESSAGE and str(p.data)[:1] == "0"
            ]
            sids += connects
    finally:
        connection.abort()

    expect_equal(len(set(ids)), 2, what="number of session ids")
    expect_equal(len(set(sids)), 2, what="number of CONNECT answers, one for each session")


async def on_connection(
    target: Target, connection: HttpConnection, method: str, query: str, body: bytes | None = None
) -> Answer:
    framing = [] if body is None else [("Content-Length", str(len(body)))]
    await connection.send_head(method, f"{target.address.path}?{query}", framing)
    if body:
        await connection.send_data(body)
    await connection.send_end()
    answer = expect_status(await connection.answer(target.timing.answer), 200)
    closes = (answer.header("connection") or "").lower() == "close"
    if not connection.reusable and not closes:
        raise Violation("a connection that stays open, or `Connection: close`", "closed unannounced")
    return answer


def error_code(answer: Answer | NoAnswer, statuses: tuple[int, ...]) -> Any:
    """The code of a refusal's JSON body."""
    answer = expect_status(answer, *statuses)
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = None
    if not isinstance(body, dict) or "code" not in body:
        raise Violation("a JSON object with `code` and `message`", str(answer))
    return body["code"]


@requirement("EIO-ER-01")
async def test_names_an_unknown_transport(target: Target) -> None:
    """Code 0."""
    answer = await target.request("GET", "EIO=4&transport=abc")

    expect_equal(error_code(answer, (400,)), 0, what="code")


@requirement("EIO-ER-02")
async def test_names_an_unknown_session(target: Target) -> None:
    """Code 1."""
    answer = await target.request("GET", f"{HANDSHAKE}&sid=AAAAAAAAAAAAAAAAAAAA")

    expect_equal(error_code(answer, (400,)), 1, what="code")


@requirement("EIO-ER-03")
async def test_names_a_bad_handshake_method(target: Target) -> None:
    """Code 2."""
    answer = await target.request("POST", HANDSHAKE, body=b"40")

    expect_equal(error_code(answer, (400,)), 2, what="code")


@requirement("EIO-ER-04")
async def test_names_a_bad_request(target: Target) -> None:
    """Code 3."""
    answer = await target.request("GET", "EIO=4&transport=websocket")

    expect_equal(error_code(answer, (400,)), 3, what="code")


@requirement("EIO-ER-06")
async def test_names_an_unsupported_protocol_version(target: Target) -> None:
    """Code 5."""
    answer = await target.request("GET", "EIO=abc&transport=polling")

    expect_equal(error_code(answer, (400,)), 5, what="code")


@requirement("EIO-ER-07")
async def test_refuses_a_websocket_before_it_opens(target: Target) -> None:
    """An unknown transport: the answer is HTTP 400 in place of 101."""
    outcome = await target.websocket("EIO=4&transport=abc")

    if isinstance(outcome, WebSocket):
        raise Violation("HTTP 400", "101 Switching Protocols")
    expect_status(outcome, 400)


@requirement("EIO-CO-01")
async def test_allows_another_origin(target: Target) -> None:
    """A server that is open to all origins says so."""
    answer = await target.request("GET", HANDSHAKE, headers=(("Origin", "http://other.example"),))

    allowed = expect_status(answer, 200).header("access-control-allow-origin")
    expect_equal(allowed, "*", "http://other.example", what="Access-Control-Allow-Origin")


@requirement("EIO-CO-02")
async def test_answers_a_preflight_request(target: Target) -> None:
    """OPTIONS asks before a cross-origin request."""
    answer = await target.request(
        "OPTIONS",
        HANDSHAKE,
        headers=(("Origin", "http://other.example"), ("Access-Control-Request-Method", "POST")),
    )

    expect_status(answer, 204)
