# ruff: noqa: E402 - the patching comes before the imports
"""gevent's pywsgi server, patched, with WebSocket from simple-websocket."""

from gevent import monkey

monkey.patch_all()

import sys

# Engine.IO takes gevent-websocket whenever it can be imported; None makes the import fail.
sys.modules["geventwebsocket"] = None  # type: ignore[assignment]

from server_under_test.launchers.gevent_serving import serve

if __name__ == "__main__":
    serve("gevent-simple")
