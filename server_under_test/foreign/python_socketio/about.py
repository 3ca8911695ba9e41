"""What a server of python-socketio says about itself: the object after READY and under GET /about."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from server_under_test.starting.options import Options

# Scope, receive and send are those of the ASGI specification.
ASGI = Callable[[Any, Any, Any], Awaitable[None]]


def describe(web_server: str, options: Options) -> dict[str, Any]:
    """The process in JSON: addresses, process id, async mode, transports and versions."""
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


def with_about(endpoint: ASGI, about: dict[str, Any]) -> ASGI:
    """The ASGI application `endpoint`, which answers GET /about too."""
    body = json.dumps(about).encode()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/about":
            headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": False})
            await send({"type": "http.response.body", "body": body, "more_body": False})
        else:
            await endpoint(scope, receive, send)

    return app
