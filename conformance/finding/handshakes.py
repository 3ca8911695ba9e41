"""Which revisions of the protocol a server speaks, and over which transports. Only handshakes ask.

Where none of them opens a session, `NoServer` says what came. `server.py` asks for the cause.
"""

from __future__ import annotations

import asyncio

from conformance.client.about import PROBE_SECONDS
from conformance.client.address import Address
from conformance.client.http import Answer, NoAnswer, exchange
from conformance.client.revisions import REVISION_3, REVISION_4, Revision
from conformance.client.websocket import WebSocket, open_websocket
from sioprobe.wire import DeflateOffer, OpenData, RemoteProtocolError

__all__ = ["NoServer", "find_revisions"]

UNASKED_SECONDS = 1.0  # for a packet that a server may send right after its OPEN
OFFER = DeflateOffer(client_may_limit=True)  # that of browsers


class NoServer(Exception):
    """No Socket.IO server that can be judged answers at the URL. The message is one sentence.

    `speaks_http`: something answered, so another kind of handshake may work.
    """

    def __init__(self, message: str, *, speaks_http: bool = True) -> None:
        super().__init__(message)
        self.speaks_http = speaks_http


async def find_revisions(address: Address) -> tuple[OpenData, dict[str, bool]]:
    """What the OPEN packet of the latest revision says, and the capabilities that handshakes show.

    A server that speaks only revision 3 need not read EIO, and answers everybody alike, as socket.io 2 does.
    """
    try:
        opened, capabilities = await _find_transports(address, REVISION_4)
    except NoServer as refusal:
        if not refusal.speaks_http:
            raise
        try:
            opened, capabilities = await _find_transports(address, REVISION_3)
        except NoServer:
            raise refusal from None
        return opened, capabilities | {"eio4": False, "eio3": True}
    if (
        not capabilities["polling"]
        and not opened.max_payload
        and await _connects_unasked(address, REVISION_4)
    ):
        return opened, capabilities | {"eio4": False, "eio3": True}
    older = await _speaks_revision_3(address, over_polling=capabilities["polling"])
    return opened, capabilities | {"eio4": True, "eio3": older}


async def _find_transports(address: Address, revision: Revision) -> tuple[OpenData, dict[str, bool]]:
    where = f"{address.url}{address.path}"
    answer = await _poll(address, revision)
    if isinstance(answer, NoAnswer):
        raise NoServer(f"{where}: {answer}", speaks_http=False)
    polled = _open_data(answer, revision)
    if polled is None and revision is REVISION_4 and _open_data(answer, REVISION_3) is not None:
        raise NoServer(f"{where} answers a handshake of Engine.IO 4 as Engine.IO 3 has it")
    # A transport that is refused is absent. One that answers otherwise is broken, and its cases must fail.
    has_polling = polled is not None or not 400 <= answer.status < 500
    websocket = await _open_websocket(address, revision)
    if polled is not None:
        opened_websocket = (
            isinstance(websocket, WebSocket) and await _first_open(websocket, revision) is not None
        )
        return polled, {
            "polling": True,
            "websocket": opened_websocket
            or not (isinstance(websocket, Answer) and 400 <= websocket.status < 500),
            "upgrade": "websocket" in polled.upgrades,
            "permessage_deflate": opened_websocket and await _compresses(address, revision),
        }
    if isinstance(websocket, WebSocket):
        opened = await _first_open(websocket, revision)
        if opened is not None:
            return opened, {
                "polling": has_polling,
                "websocket": True,
                "upgrade": has_polling,
                "permessage_deflate": await _compresses(address, revision),
            }
    what = f"{answer} and no OPEN packet" if answer.status == 200 else str(answer)
    raise NoServer(f"{where} opens no session: the handshake got {what}")


async def _speaks_revision_3(address: Address, *, over_polling: bool) -> bool:
    """Whether a server of revision 4 speaks 3 as well."""
    if not over_polling:
        return await _connects_unasked(address, REVISION_3)
    answer = await _poll(address, REVISION_3)
    return isinstance(answer, Answer) and _open_data(answer, REVISION_3) is not None


async def _connects_unasked(address: Address, revision: Revision) -> bool:
    """Whether `/` is connected at once, as in revision 3: over WebSocket the OPEN packets look alike."""
    websocket = await _open_websocket(address, revision)
    if not isinstance(websocket, WebSocket):
        return False
    try:
        async with asyncio.timeout(UNASKED_SECONDS):
            opened, connected = str(await websocket.receive()), str(await websocket.receive())
            return opened.startswith("0{") and connected.startswith("40")
    except TimeoutError:
        return False
    finally:
        websocket.abort()


async def _compresses(address: Address, revision: Revision) -> bool:
    """Whether permessage-deflate is agreed on. A wrong answer to the offer is for EIO-PD-01."""
    websocket = await _open_websocket(address, revision, OFFER)
    if not isinstance(websocket, WebSocket):
        return False
    websocket.abort()
    return websocket.agreed is not None


async def _poll(address: Address, revision: Revision) -> Answer | NoAnswer:
    return await exchange(
        address, "GET", f"{address.path}?{revision.query}&transport=polling", seconds=PROBE_SECONDS
    )


async def _open_websocket(
    address: Address, revision: Revision, offer: DeflateOffer | None = None
) -> WebSocket | Answer | NoAnswer:
    query = f"{revision.query}&transport=websocket"
    return await open_websocket(address, query, seconds=PROBE_SECONDS, offer=offer)


def _open_data(answer: Answer, revision: Revision) -> OpenData | None:
    if answer.status != 200:
        return None
    try:
        packets = revision.decode_body(answer.body, answer.is_binary)
        return revision.decode_open(next(packets))
    except RemoteProtocolError:
        return None


async def _first_open(websocket: WebSocket, revision: Revision) -> OpenData | None:
    try:
        async with asyncio.timeout(PROBE_SECONDS / 2):
            message = await websocket.receive()
        return revision.decode_open(revision.decode_packet(message)) if isinstance(message, str) else None
    except (TimeoutError, RemoteProtocolError):
        return None
    finally:
        websocket.abort()
