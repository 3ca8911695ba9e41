"""The strict server as the client of socket.io 2 sees it: the proof that its Engine.IO 3 is everybody's."""

import asyncio
import json

from server_under_test.foreign.building import SOURCES
from server_under_test.starting.programs import find_node
from tests.server_under_test.conftest import require_node
from tests.servers import ROOT
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


def test_the_client_of_socket_io_2_is_served() -> None:
    """Over polling, over WebSocket, and upgraded from one to the other."""
    require_node()

    async def run() -> list[str]:
        async with StrictServer(revisions=(4, 3)) as server:
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

    visits = [json.loads(line) for line in asyncio.run(run())]
    assert visits == [SEEN | {"upgraded": upgraded} for upgraded in (False, True, True)]
