"""Flask-SocketIO: options of the SocketIO object that have an effect on the wire.

The application below `/flask` has the defaults. CONTRACT.md describes the one below `/flask-options`.
"""

import gzip
from dataclasses import replace

from conformance.cases.flask_apps import OPTIONS, WEBSOCKET, in_flask, in_options, undocumented
from conformance.client.http import Answer
from conformance.client.revisions import REVISION_4
from conformance.client.session import Transport
from conformance.expect import expect_connected, expect_equal, expect_status
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Violation
from sioprobe.wire import OpenData, RemoteProtocolError, decode_payload

HANDSHAKE = "EIO=4&transport=polling"
ALLOWED = "http://allowed.example"
MAX_PAYLOAD = 70_000


async def shake_hands(app: Target, *headers: tuple[str, str]) -> Answer:
    """The answer to a handshake over polling, whether it takes or refuses the client."""
    return expect_status(await app.request("GET", HANDSHAKE, headers=headers), 200, 400)


def opened_by(answer: Answer) -> OpenData:
    """The data of the OPEN packet."""
    try:
        packet, *_ = decode_payload(expect_status(answer, 200).body)
        return REVISION_4.decode_open(packet)
    except RemoteProtocolError as error:
        raise Violation("an OPEN packet", str(error)) from None


@requirement("FSIO-58")
async def test_flask_adds_the_grace_period_to_the_ping_interval(target: Target) -> None:
    """The option is the pair (interval, 2). The client gets the sum."""
    answer = await shake_hands(in_options(target))

    expected = target.opened.ping_interval + 2000
    expect_equal(opened_by(answer).ping_interval, expected, what="pingInterval")


@requirement("FSIO-59")
async def test_flask_tells_the_buffer_size(target: Target, transport: Transport) -> None:
    """max_http_buffer_size is maxPayload in the handshake."""
    session = await in_options(target).open(transport)

    expect_equal(session.opened.max_payload, MAX_PAYLOAD, what="maxPayload")


@requirement("FSIO-60")
async def test_flask_sets_a_cookie_where_it_is_named(target: Target) -> None:
    """It holds the session id; without the option there is none."""
    answer = await shake_hands(in_options(target))
    plain = await shake_hands(in_flask(target))

    opened = opened_by(answer)
    value, _, attributes = (answer.set_cookie("io") or "").partition(";")
    expect_equal(value == f"io={opened.session_id}", True, what="`io` with the session id:")
    expect_equal(plain.set_cookie("io"), None, what="Set-Cookie without the option")
    with undocumented():
        expect_equal(attributes, " path=/; SameSite=Lax", what="attributes of the cookie")


@requirement("FSIO-61")
async def test_flask_compresses_polls_beyond_the_threshold(target: Target) -> None:
    """1024 bytes and less go out as they are; the application with other options compresses nothing."""
    encodings = [
        await encoding_of_a_poll(in_flask(target), "/acks", 2000),
        await encoding_of_a_poll(in_flask(target), "/acks", 500),
        await encoding_of_a_poll(in_options(target), "/handlers", 2000),
    ]

    expect_equal(encodings, ["gzip", None, None], what="Content-Encoding")


async def encoding_of_a_poll(app: Target, namespace: str, size: int) -> str | None:
    """The Content-Encoding of the poll that answers an event of this size."""
    session = await app.open("polling", poll=False)
    await session.push(f"40{namespace},")
    await session.push(f'42{namespace},1["echo","{"x" * size}"]')
    headers = (("Accept-Encoding", "gzip"),)
    for _ in range(8):  # the answer to CONNECT and pings may come first
        answer = expect_status(await session.request("GET", headers=headers), 200)
        encoding = answer.header("content-encoding")
        body = gzip.decompress(answer.body) if encoding == "gzip" else answer.body
        if b"xxxxxxxx" in body:
            return encoding
        if b"2" in body.split(b"\x1e"):
            await session.push("3")
    return "no ack came"


@requirement("FSIO-62")
async def test_flask_takes_its_own_origin_only(target: Target) -> None:
    """By default: its own, by its own name or by the one that a proxy forwards; no other."""
    app = in_flask(target)
    own = target.address.url

    statuses = [
        (await shake_hands(app)).status,
        (await shake_hands(app, ("Origin", own))).status,
        (await shake_hands(app, ("Origin", "http://elsewhere.example"))).status,
        (
            await shake_hands(
                app,
                ("Origin", "https://front.example"),
                ("X-Forwarded-Proto", "https"),
                ("X-Forwarded-Host", "front.example"),
            )
        ).status,
    ]

    expect_equal(statuses[:3], [200, 200, 400], what="statuses")
    with undocumented():
        expect_equal(statuses[3], 200, what="status for the origin that a proxy forwards")


@requirement("FSIO-62")
async def test_flask_takes_the_origins_of_its_list(target: Target) -> None:
    """The application with other options names one, which its answer repeats."""
    app = in_options(target)

    allowed = await shake_hands(app, ("Origin", ALLOWED))
    other = await shake_hands(app, ("Origin", "http://elsewhere.example"))

    expect_equal([allowed.status, other.status], [200, 400], what="statuses")
    expect_equal(allowed.header("access-control-allow-origin"), ALLOWED, what="allowed origin")


@requirement("FSIO-63")
async def test_flask_refuses_a_transport_that_is_left_out(target: Target) -> None:
    """The application has WebSocket only."""
    path = f"{WEBSOCKET}/socket.io/"

    answer = await target.request("GET", HANDSHAKE, path=path)

    expect_status(answer, 400)
    session = await replace(target, address=replace(target.address, path=path)).open("websocket")
    expect_equal(list(session.opened.upgrades), [], what="upgrades")


@requirement("FSIO-64")
async def test_flask_offers_no_upgrade_where_it_allows_none(target: Target) -> None:
    """The server has both transports."""
    session = await in_options(target).open("polling")

    offered = list(session.opened.upgrades)

    expect_equal(offered, [], what="upgrades")


@requirement("FSIO-65")
async def test_flask_serves_at_its_path(target: Target) -> None:
    """The application with other options is served at `/io`, and not at `/socket.io`."""
    served = await target.request("GET", HANDSHAKE, path=f"{OPTIONS}/io/")
    other = await target.request("GET", HANDSHAKE, path=f"{OPTIONS}/socket.io/")

    expect_status(served, 200)
    expect_status(other, 404)


@requirement("FSIO-66")
async def test_flask_takes_every_namespace_where_it_is_told(target: Target, transport: Transport) -> None:
    """namespaces='*': one without handlers of its own."""
    session = await in_options(target).open(transport)

    await session.send("40/nobody-knows-this,")

    await expect_connected(session, "/nobody-knows-this")
