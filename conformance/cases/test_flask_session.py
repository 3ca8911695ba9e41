"""Flask-SocketIO: the user's session in events, and in HTTP requests beside them."""

import json
from typing import Any

from conformance.cases.flask_apps import FLASK, OPTIONS, in_flask, in_options, open_in
from conformance.client.http import Answer
from conformance.client.session import Transport
from conformance.expect import ask, expect_equal, expect_status
from conformance.requirements import requirement
from conformance.target import Target

SESSION = "/session"


async def write_over_http(target: Target, app: str, values: dict[str, Any], cookie: str = "") -> str:
    """The cookie of the session that holds these values."""
    answer = expect_status(
        await target.request(
            "POST",
            "",
            path=f"{app}{SESSION}",
            headers=(("Content-Type", "application/json"), ("Cookie", cookie)),
            body=json.dumps(values).encode(),
        ),
        200,
    )
    return (answer.set_cookie("session") or "").partition(";")[0]


async def read_over_http(target: Target, app: str, cookie: str) -> Any:
    answer: Answer = expect_status(
        await target.request("GET", "", path=f"{app}{SESSION}", headers=(("Cookie", cookie),)), 200
    )
    return json.loads(answer.body)


@requirement("FSIO-56")
async def test_flask_events_see_the_session_of_the_handshake(target: Target, transport: Transport) -> None:
    """Written over HTTP before the connect; what HTTP writes later is not seen."""
    cookie = await write_over_http(target, FLASK, {"user": "ann"})
    client = await open_in(in_flask(target), transport, SESSION, headers=(("Cookie", cookie),))

    seen = await ask(client, "read", namespace=SESSION)

    expect_equal(seen, [{"user": "ann"}], what="session")
    await write_over_http(target, FLASK, {"user": "bob"}, cookie)
    expect_equal(await ask(client, "read", namespace=SESSION), [{"user": "ann"}], what="session later")


@requirement("FSIO-56")
async def test_flask_events_keep_a_session_of_their_own(target: Target, transport: Transport) -> None:
    """Written by an event: later events see it, in every namespace; HTTP and other clients do not."""
    cookie = await write_over_http(target, FLASK, {"user": "ann"})
    headers = (("Cookie", cookie),)
    client = await open_in(in_flask(target), transport, SESSION, "/session-too", headers=headers)
    other = await open_in(in_flask(target), transport, SESSION, headers=headers)

    await ask(client, "write", {"count": 1}, namespace=SESSION)

    both = {"user": "ann", "count": 1}
    expect_equal(await ask(client, "read", namespace=SESSION), [both], what="session of the client")
    expect_equal(await ask(client, "read", namespace="/session-too"), [both], what="in another namespace")
    expect_equal(await ask(other, "read", namespace=SESSION), [{"user": "ann"}], what="of another client")
    expect_equal(await read_over_http(target, FLASK, cookie), {"user": "ann"}, what="session over HTTP")


@requirement("FSIO-57")
async def test_flask_session_in_a_cookie_is_frozen_unmanaged(target: Target, transport: Transport) -> None:
    """The application with other options leaves the session to Flask, so what an event writes is lost."""
    cookie = await write_over_http(target, OPTIONS, {"user": "ann"})
    client = await open_in(in_options(target), transport, SESSION, headers=(("Cookie", cookie),))

    written = await ask(client, "write", {"count": 1}, namespace=SESSION)

    expect_equal(written, [{"user": "ann", "count": 1}], what="session in the event that writes")
    expect_equal(await ask(client, "read", namespace=SESSION), [{"user": "ann"}], what="session later")
