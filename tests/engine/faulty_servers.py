"""One process with a strict server for each fault, and one without: `python -m tests.engine.faulty_servers`.

Prints READY with the URL of each, by the fault's name; the empty name is the server without a fault.
"""

import asyncio
import contextlib
import json
import signal

from tests.strict_server.faults import FAULTS
from tests.strict_server.server import StrictServer


async def main() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        urls = {}
        for fault in (None, *(fault.name for fault in FAULTS)):
            server = await stack.enter_async_context(
                StrictServer(fault, ping_interval=1, ping_timeout=20, upgrade_timeout=30, revisions=(4, 3))
            )
            urls[fault or ""] = server.url
        print("READY " + json.dumps({"urls": [], "faults": urls}), flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
