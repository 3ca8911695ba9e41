"""Which setting mends what: pairs of a known server and its setting."""

from __future__ import annotations

import re

__all__ = ["BACKLOG", "CLOSES_POLLS", "COMPRESSION", "CONNECTIONS", "CORS", "DEFLATE", "LOG", "MAX_PAYLOAD"]
__all__ += [
    "NAGLE",
    "OPEN_FILES",
    "PACKETS",
    "PING",
    "POLLING",
    "SLOW_CLOSE",
    "STICKY",
    "THREADS",
    "UPGRADE",
    "WEBSOCKET",
]

Mend = tuple[tuple[str, str], ...]

# The names that servers give themselves, and the words for them in the pairs below.
_WORDS = {
    "gevent": "gevent",
    "eventlet": "eventlet",
    "threading": "threading",
    "werkzeug": "threading",
    "gthread": "gthread",
    "gunicorn": "gunicorn",
    "uwsgi": "uwsgi",
    "node": "node",
    "socket.io": "node",
    "uvicorn": "uvicorn",
    "flask-socketio": "flask-socketio,",
    "python-socketio": "python-socketio",
}


def mend_for(mend: Mend, names: str) -> Mend:
    """The pairs for the server that gives itself these names; all pairs if none is for it."""
    words = [word for name, word in _WORDS.items() if re.search(rf"(?<![\w.-]){re.escape(name)}", names)]
    chosen = tuple(pair for pair in mend if any(word in pair[0].lower() for word in words))
    return chosen or mend


NAGLE: Mend = (
    (
        "Flask-SocketIO with gevent",
        "set TCP_NODELAY on a listening socket of your own and serve it: "
        "pywsgi.WSGIServer(listener, app, handler_class=WebSocketHandler)",
    ),
    (
        "Flask-SocketIO with eventlet",
        "set TCP_NODELAY on eventlet.listen(...) and serve it: eventlet.wsgi.server(listener, app)",
    ),
    (
        "Flask-SocketIO with threading",
        "werkzeug.serving.WSGIRequestHandler.disable_nagle_algorithm = True before socketio.run",
    ),
    ("uWSGI", "--tcp-nodelay"),
    ("gunicorn, Node, uvicorn", "they set it; look for a proxy in front of them (nginx: tcp_nodelay on)"),
)
CLOSES_POLLS: Mend = (
    (
        "Werkzeug (threading)",
        "it closes every connection and has no setting: serve with gunicorn, gevent or eventlet",
    ),
    ("uWSGI", "--http-socket closes every connection; a proxy in front of it keeps those of the clients"),
    (
        "nginx in front of it",
        'proxy_http_version 1.1 and proxy_set_header Connection "" with a keepalive upstream',
    ),
)
COMPRESSION: Mend = (
    ("Flask-SocketIO, python-socketio", "http_compression=False, or a larger compression_threshold"),
    ("socket.io on Node", "httpCompression: false, or {threshold: N}"),
)
DEFLATE: Mend = (
    ("Flask-SocketIO with gevent", "gevent-websocket declines it; simple-websocket has no setting"),
    (
        "Flask-SocketIO with threading or eventlet",
        "no setting; a proxy can drop Sec-WebSocket-Extensions",
    ),
    ("uvicorn", "--ws-per-message-deflate false"),
    ("socket.io on Node", "perMessageDeflate: false, the default"),
)
CONNECTIONS: Mend = (
    ("Flask-SocketIO with eventlet", "socketio.run(app, max_size=N); its default is 1024"),
    (
        "gunicorn",
        "--worker-connections N (gevent, eventlet; 1000), --threads N (gthread: a WebSocket takes one)",
    ),
    ("uWSGI", "--gevent N"),
    ("gevent", "pywsgi.WSGIServer(..., spawn=N) limits it if N was given"),
    ("nginx in front of it", "worker_connections"),
)
OPEN_FILES: Mend = (
    ("any", "ulimit -n N before the start; LimitNOFILE=N (systemd), --ulimit nofile=N (Docker)"),
)
BACKLOG: Mend = (
    ("Flask-SocketIO with eventlet", "eventlet.listen(address, backlog=N); the default is 50"),
    ("Flask-SocketIO with gevent", "socketio.run(app, backlog=N); the default is 128"),
    (
        "Flask-SocketIO with threading",
        "werkzeug.serving.BaseWSGIServer.request_queue_size; the default is 128",
    ),
    ("gunicorn, uWSGI", "--backlog N (2048), --listen N (100)"),
    ("Node", "server.listen({port, backlog: N}); the default is 511"),
    ("Linux", "sysctl net.core.somaxconn limits every backlog"),
)
THREADS: Mend = (
    (
        "Flask-SocketIO with threading, gunicorn gthread",
        "async_mode gevent or eventlet needs no thread for each client",
    ),
)
WEBSOCKET: Mend = (
    (
        "Flask-SocketIO with threading or gevent",
        "pip install simple-websocket (gevent also: gevent-websocket)",
    ),
    ("Flask-SocketIO, python-socketio", 'transports=["polling", "websocket"]'),
    ("nginx in front of it", 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"'),
)
UPGRADE: Mend = (
    ("Flask-SocketIO, python-socketio", "allow_upgrades=True, the default"),
    ("socket.io on Node", "allowUpgrades: true, the default"),
    *WEBSOCKET[2:],
)
POLLING: Mend = (
    ("Flask-SocketIO, python-socketio", 'transports=["polling", "websocket"]'),
    ("clients", 'transports: ["websocket"]; otherwise their first request fails'),
)
PING: Mend = (
    ("Flask-SocketIO, python-socketio", "ping_interval=25, ping_timeout=20 (seconds), the defaults"),
    ("socket.io on Node", "pingInterval: 25000, pingTimeout: 20000 (milliseconds), the defaults"),
)
MAX_PAYLOAD: Mend = (
    ("Flask-SocketIO, python-socketio", "max_http_buffer_size=1_000_000, the default"),
    ("socket.io on Node", "maxHttpBufferSize: 1e6, the default"),
)
PACKETS: Mend = (
    (
        "Flask-SocketIO, python-socketio",
        "engineio.payload.Payload.max_decode_packets = N before the first client; the default is 16",
    ),
    ("clients", 'transports: ["websocket"] has no such limit; or wait for an ack after a few emits'),
)
CORS: Mend = (
    ("Flask-SocketIO, python-socketio", 'cors_allowed_origins=["https://your.page"]'),
    ("socket.io on Node", 'cors: { origin: ["https://your.page"] }'),
)
STICKY: Mend = (
    ("nginx", "ip_hash, or hash $arg_sid consistent for requests that have one"),
    ("HAProxy, Kubernetes, cloud balancers", "a cookie, or sessionAffinity: ClientIP"),
    ("gunicorn", "one worker for each port: gunicorn cannot keep a session at one worker"),
    ("clients", 'transports: ["websocket"] has no such problem'),
)
SLOW_CLOSE: Mend = (
    (
        "python-socketio's AsyncServer",
        "no setting; the connection ends after ping interval and ping timeout",
    ),
    (
        "Flask-SocketIO with simple-websocket on Werkzeug (threading) or pywsgi (gevent)",
        "no setting; gevent-websocket and gunicorn close at once",
    ),
)
LOG: Mend = (
    ("Flask-SocketIO", 'socketio.run(app, log_output=False); logging.getLogger("werkzeug").setLevel(ERROR)'),
    ("gevent, eventlet", "log=None (pywsgi), log_output=False (eventlet.wsgi)"),
    ("gunicorn, uWSGI, uvicorn", "--access-logfile unset, --disable-logging, --no-access-log"),
)
