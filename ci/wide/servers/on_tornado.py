"""python-socketio's AsyncServer on Tornado: `python -m ci.wide.servers.on_tornado PORT`."""

from __future__ import annotations

import asyncio
import sys

import socketio
from tornado.web import Application, RequestHandler

from server_under_test.foreign.python_socketio.about import describe
from server_under_test.foreign.python_socketio.contract import create_server
from server_under_test.starting.options import Options


class About(RequestHandler):
    def get(self) -> None:
        self.write(describe("tornado", Options.from_environment()))


async def main() -> None:
    server = create_server("tornado", Options.from_environment())
    handlers = [("/about", About), ("/socket.io/", socketio.get_tornado_handler(server))]
    Application(handlers).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
