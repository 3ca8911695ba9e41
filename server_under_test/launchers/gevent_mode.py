# ruff: noqa: E402 - the patching comes before the imports
"""gevent's pywsgi server, patched, with WebSocket from gevent-websocket."""

from gevent import monkey

monkey.patch_all()

from geventwebsocket.handler import WebSocketHandler

from server_under_test.launchers.gevent_serving import serve

if __name__ == "__main__":
    serve("gevent", handler_class=WebSocketHandler)
