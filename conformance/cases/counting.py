"""Events that a server numbers."""

from conformance.client.session import Session
from conformance.expect import is_event
from conformance.verdicts import Violation


async def expect_counted(session: Session, name: str, count: int) -> None:
    """So many events, numbered from 0."""
    for number in range(count):
        packet = await session.take(lambda p: is_event(p, name))
        if packet is None:
            raise Violation(f"{count} events {name!r}", f"{number}, and no more")
        if packet.data[1:] != [number]:
            raise Violation(f"{name!r} number {number}", f"number {packet.data[1:]}")
    packet = await session.take(lambda p: is_event(p, name), session.timing.quiet)
    if packet is not None:
        raise Violation(f"{count} events {name!r}", f"one more: {packet.data[1:]}")
