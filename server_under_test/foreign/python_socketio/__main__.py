"""Serve with the web server that the first argument names, on the socket that this process inherited."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from importlib.metadata import version
from typing import Any

import socketio

from server_under_test.foreign.python_socketio.contract import create_server, tell_clients
from server_under_test.starting.listener import inherited
from server_under_test.starting.options import Options
from server_under_test.starting.readiness import write_line

# A stopping server waits so many seconds for open connections.
STOP_SECONDS = 1


def describe(web_server: str, options: Options) -> dict[str, Any]:
    """The object after READY and under GET /about."""
    packages = ["python-socketio", "python-engineio", web_server]
    if web_server == "uvicorn":
        packages.append("websockets")
    return {
        "urls": [f"http://{options.host}:{options.port}"],
        "pids": [os.getpid()],
        "server": web_server,
        "async_mode": "asgi" if web_server == "uvicorn" else web_server,
        "detected": False,
        "transports": list(options.transports),
        "always_connect": False,
        "nagle": False,
        "workers": 1,
        "queue": None,
        "queue_url": None,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
    }


async def serve_uvicorn(options: Options, listener: socket.socket) -> None:
    """Serve on uvicorn until told to stop."""
    import uvicorn
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

    server = create_server("asgi", options)
    about = describe("uvicorn", options)
    endpoint = socketio.ASGIApp(server)

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "http" and scope["path"] == "/about":
            body = _json(about)
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
            await send({"type": "http.response.body", "body": body, "more_body": False})
        else:
            await endpoint(scope, receive, send)

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
        return web.Response(body=_json(about), content_type="application/json")

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


def _json(about: dict[str, Any]) -> bytes:
    return json.dumps(about).encode()


def main() -> None:
    """Serve with the options in the environment."""
    options = Options.from_environment()
    assert options.listen_fd is not None
    serve = {"uvicorn": serve_uvicorn, "aiohttp": serve_aiohttp}[sys.argv[1]]
    asyncio.run(serve(options, inherited(options.listen_fd)))


if __name__ == "__main__":
    main()
