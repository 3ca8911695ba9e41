"""The strict server as the client of socket.io 2 sees it: the proof that its Engine.IO 3 is everybody's."""

import asyncio
import json
from collections.abc import Iterable

import pytest

from server_under_test.foreign.building import SOURCES
from server_under_test.starting.programs import find_node
from tests.server_under_test.conftest import require_node
from tests.servers import ROOT
from tests.strict_server.liberties import EVERY, Liberty
from tests.strict_server.server import StrictServer

SCRIPT = ROOT / "tests" / "strict_server_tests" / "client2.mjs"
# Generous: the machine may be busy.
DEADLINE = 60.0
SEEN = {
    "auth": {},
    "back": ["€\U0001f600\n", "bytes 010203", "bytes ff"],
    "ack": ["bytes 04", "x"],
    "custom": {"token": "t"},
    "unknown": "Invalid namespace",
}


@pytest.mark.parametrize("fault", [None, "eio3-connect-answer-has-a-sid"])
@pytest.mark.parametrize("liberties", [(), EVERY], ids=["none", "every"])
def test_the_client_of_socket_io_2_is_served(fault: str | None, liberties: Iterable[Liberty]) -> None:
    """Over polling, over WebSocket, and upgraded from one to the other. It takes a CONNECT with data too."""
    require_node()

    async def run() -> list[str]:
        async with StrictServer(fault, revisions=(4, 3), liberties=liberties) as server:
            client = await asyncio.create_subprocess_exec(
                str(find_node()), str(SCRIPT), str(SOURCES / "node" / "package.json"), server.url,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            try:
                out, err = await asyncio.wait_for(client.communicate(), DEADLINE)
            except TimeoutError:
                client.kill()
                raise
            assert client.returncode == 0, err.decode()
            return out.decode().splitlines()

    seen = dict(SEEN)
    if Liberty.SILENT_ERRORS in liberties:
        del seen["unknown"]  # the client's handler gets undefined, which JSON leaves out
    visits = [json.loads(line) for line in asyncio.run(run())]
    assert visits == [seen | {"upgraded": upgraded} for upgraded in (False, True, True)]
