"""python-socketio's AsyncServer on Sanic: `python -m ci.wide.servers.on_sanic PORT`."""

from __future__ import annotations

import sys
from typing import Any

from sanic import Sanic, json

from server_under_test.foreign.python_socketio.about import describe
from server_under_test.foreign.python_socketio.contract import create_server
from server_under_test.starting.options import Options

app = Sanic("wide", configure_logging=False)
create_server("sanic", Options.from_environment()).attach(app)


@app.get("/about")
async def about(request: Any) -> Any:
    return json(describe("sanic", Options.from_environment()))


if __name__ == "__main__":
    app.run("127.0.0.1", int(sys.argv[1]), single_process=True, access_log=False)
