"""Opens sessions: the handshake over either transport, and the upgrade."""

from __future__ import annotations

import asyncio

from conformance.client.address import Address, Headers
from conformance.client.http import Answer, exchange
from conformance.client.revisions import REVISION_4, Revision
from conformance.client.session import Session, Transport
from conformance.client.steps import Step
from conformance.client.timing import Timing
from conformance.client.transcript import RECORDING
from conformance.client.websocket import Ended, WebSocket, open_websocket
from conformance.verdicts import Inconclusive
from sioprobe.wire import DeflateOffer, RemoteProtocolError

__all__ = ["open_session"]


async def open_session(
    address: Address,
    timing: Timing,
    transport: Transport,
    *,
    answer_pings: bool = True,
    poll: bool = True,
    revision: Revision = REVISION_4,
    parameters: str = "",
    headers: Headers = (),
    offer: DeflateOffer | None = None,
) -> Session:
    """A session after its handshake (and upgrade). Raises Inconclusive if the server gives none.

    With `poll=False` the case itself polls. `parameters` (`&name=value`) are in each of its queries.
    `headers` are in the handshake only. `offer` offers permessage-deflate over WebSocket.
    """
    if transport == "websocket":
        return await _open_over_websocket(address, timing, answer_pings, revision, parameters, headers, offer)
    query = f"{revision.query}&transport=polling{parameters}"
    cookies = address.new_cookies()
    answer = await exchange(
        address, "GET", f"{address.path}?{query}", headers=headers, seconds=timing.answer, cookies=cookies
    )
    if not isinstance(answer, Answer) or answer.status != 200:
        raise _refused(transport, revision, answer)
    try:
        packets = revision.decode_body(answer.body, answer.is_binary)
        opened = revision.decode_open(next(packets))
    except RemoteProtocolError as error:
        raise _refused(transport, revision, f"{answer}: no OPEN packet ({error})") from None
    session = Session(
        address,
        timing,
        "polling",
        opened,
        answer_pings=answer_pings,
        revision=revision,
        parameters=parameters,
        cookies=cookies,
        offer=offer,
    )
    session.take_packets(packets, answer.body)
    session.start_heartbeat()
    if poll:
        session.start_polling()
    if transport == "upgraded":
        await session.upgrade()
    return session


async def _open_over_websocket(
    address: Address,
    timing: Timing,
    answer_pings: bool,
    revision: Revision,
    parameters: str,
    headers: Headers,
    offer: DeflateOffer | None,
) -> Session:
    query = f"{revision.query}&transport=websocket{parameters}"
    cookies = address.new_cookies()
    websocket = await open_websocket(
        address, query, seconds=timing.answer, headers=headers, cookies=cookies, offer=offer
    )
    if not isinstance(websocket, WebSocket):
        raise Inconclusive(f"handshake over WebSocket: {websocket}")
    try:
        async with asyncio.timeout(timing.answer):
            message = await websocket.receive()
        if isinstance(message, Ended):
            raise _refused("websocket", revision, f"{message} before an OPEN packet")
        opened = revision.decode_open(revision.decode_packet(message))
    except (TimeoutError, RemoteProtocolError) as error:
        websocket.abort()
        what = f"no OPEN packet ({error})" if str(error) else f"no packet within {timing.answer:.1f} s"
        raise _refused("websocket", revision, what) from None
    session = Session(
        address,
        timing,
        "websocket",
        opened,
        answer_pings=answer_pings,
        revision=revision,
        parameters=parameters,
        cookies=cookies,
    )
    session.use(websocket)
    session.start_heartbeat()
    return session


def _refused(transport: Transport, revision: Revision, what: object) -> Inconclusive:
    over = "websocket" if transport == "websocket" else "polling"
    RECORDING.get().attempt(Step.HANDSHAKE, over, revision.number, what)
    return Inconclusive(f"handshake over {'WebSocket' if over == 'websocket' else over}: {what}")
