"""What the stage says by itself, as a real server does."""

from __future__ import annotations

import asyncio

import pytest

from conformance.client.transcript import Recording
from conformance.stage.bell import Bell
from conformance.stage.stage import Stage

UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n"
)


async def opening(transport: str, headers: str) -> str:
    """The end of the OPEN packet that a client gets which asks for this transport first."""
    async with Stage(Bell(), Recording(), upgrades=True) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        target = f"/socket.io/?EIO=4&transport={transport}"
        writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        said = await reader.readuntil(b"maxPayload")
        writer.close()
    return said.partition(b'"sid"')[2].decode()


@pytest.mark.parametrize(
    ("transport", "headers", "upgrades"), [("polling", "", '["websocket"]'), ("websocket", UPGRADE, "[]")]
)
def test_an_upgrade_is_offered_over_polling_alone(transport: str, headers: str, upgrades: str) -> None:
    assert f'"upgrades":{upgrades},' in asyncio.run(opening(transport, headers))
