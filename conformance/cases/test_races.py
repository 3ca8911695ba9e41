"""What many handlers do at the same time, which a server of several threads may get wrong."""

import asyncio
from typing import Any

from conformance.client.session import Session, Transport
from conformance.expect import ask, connected, expect_equal, expect_wellformed
from conformance.requirements import requirement
from conformance.target import Target
from conformance.verdicts import Inconclusive, NotApplicable, Violation
from sioprobe.wire import SocketPacketType

CLIENTS, EVENTS, ATTACHMENTS = 4, 8, 10
# A server that encodes in Python takes up to some 5 ms for such an argument: so long its interpreter lets a
# thread run while others wait. So the next thread comes at any place, also between two packets.
MOST_ZEROS = 14_000


def attachments(client: int, number: int) -> list[bytes]:
    return [bytes([client, number, place]) for place in range(ATTACHMENTS)]


@requirement("SIO-BN-13")
async def test_attachments_do_not_interleave_in_a_crowd(target: Target, transport: Transport) -> None:
    """Four clients send binary to a room of all of them, and ask for acks, all at once."""
    if target.level < 2:
        raise NotApplicable("needs contract level 2")
    room = f"crowd-{transport}"
    clients = await connected(target, *[transport] * CLIENTS)
    await asyncio.gather(*(ask(client, "join", room) for client in clients))
    # Two bytes for a zero and its comma, in half of what a message may have.
    most = min(MOST_ZEROS, int(target.opened.max_payload or 4 * MOST_ZEROS) // 4)

    async def send(client: Session, place: int) -> None:
        for number in range(EVENTS):
            share = (place * EVENTS + number) % 10 / 9
            zeros = [0] * int(most * share)
            await client.emit("in", room, "blob", place, number, zeros, *attachments(place, number))
            await client.emit("message-with-ack", number, ack_id=client.next_ack_id())

    await asyncio.gather(*(send(client, place) for place, client in enumerate(clients)))

    wanted = sorted((place, number) for place in range(CLIENTS) for number in range(EVENTS))
    for client in clients:
        events = await _binary_events(client, len(wanted))
        for _, place, number, _, *data in events:
            expect_equal(data, attachments(place, number), what="attachments of one event")
        expect_equal(sorted((place, number) for _, place, number, *_ in events), wanted, what="events")


async def _binary_events(client: Session, number: int) -> list[Any]:
    """The data of so many binary events. Raises Inconclusive if some of them come, and no more."""

    def come() -> list[Any]:
        return [packet.data for packet in client.inbox if packet.type is SocketPacketType.BINARY_EVENT]

    await client.until(
        lambda: len(come()) >= number or bool(client.malformed) or client.closure is not None,
        client.timing.answer,
    )
    expect_wellformed(client)
    if len(come()) < number:
        state = f"session closed ({client.closure})" if client.closure else "no more came"
        if not come():
            raise Violation(f"{number} binary events", f"none; {state}")
        raise Inconclusive(f"{len(come())} of {number} binary events; {state}")
    return come()
