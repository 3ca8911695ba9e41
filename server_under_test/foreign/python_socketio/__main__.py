"""Serve with the web server that the first argument names, on the socket that this process inherited."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator

import socketio

from server_under_test.foreign.python_socketio.about import describe, with_about
from server_under_test.foreign.python_socketio.contract import create_server, tell_clients
from server_under_test.starting.listener import inherited
from server_under_test.starting.options import Options
from server_under_test.starting.readiness import write_line

# A stopping server waits so many seconds for open connections.
STOP_SECONDS = 1


async def serve_uvicorn(options: Options, listener: socket.socket) -> None:
    """Serve on uvicorn until told to stop."""
    import uvicorn

    server = create_server("asgi", options)
    about = describe("uvicorn", options)
    app = with_about(socketio.ASGIApp(server), about)

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            # uvicorn would end the process by the signal, and tell no client.
            yield

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            write_line(about)

    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=STOP_SECONDS)
    web_server = Server(config)

    async def stop() -> None:
        await tell_clients(server)
        web_server.should_exit = True

    _on_signal(stop)
    await web_server.serve(sockets=[listener])


async def serve_aiohttp(options: Options, listener: socket.socket) -> None:
    """Serve on aiohttp until told to stop."""
    from aiohttp import web

    server = create_server("aiohttp", options)
    about = describe("aiohttp", options)
    # aiohttp refuses a body as long as its limit.
    app = web.Application(client_max_size=options.max_payload + 1)
    server.attach(app)

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(about)

    app.router.add_get("/about", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS)
    await runner.setup()
    await web.SockSite(runner, listener, backlog=4096).start()
    stopped = asyncio.Event()

    async def stop() -> None:
        await tell_clients(server)
        stopped.set()

    _on_signal(stop)
    write_line(about)
    await stopped.wait()
    await runner.cleanup()


def _on_signal(stop: Callable[[], Awaitable[None]]) -> None:
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Future[None]] = []

    def begin() -> None:
        if not tasks:
            tasks.append(asyncio.ensure_future(stop()))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin)


def main() -> None:
    """Serve with the options in the environment."""
    options = Options.from_environment()
    assert options.listen_fd is not None
    serve = {"uvicorn": serve_uvicorn, "aiohttp": serve_aiohttp}[sys.argv[1]]
    asyncio.run(serve(options, inherited(options.listen_fd)))


if __name__ == "__main__":
    main()
