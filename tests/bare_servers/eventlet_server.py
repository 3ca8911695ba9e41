"""`python -m tests.bare_servers.eventlet_server [MAX_SIZE]`: Flask-SocketIO on eventlet, as it comes.

What `socketio.run(app)` does with eventlet: its own limit of connections, unless another is given, its own
backlog, a line of log for each request, and no handler at all.
"""

import warnings

warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

import eventlet  # noqa: E402

eventlet.monkey_patch()

import json  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402

import eventlet.wsgi  # noqa: E402
from flask import Flask  # noqa: E402
from flask_socketio import SocketIO  # noqa: E402


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    app = Flask(__name__)
    SocketIO(app, async_mode="eventlet")
    listener = eventlet.listen(("127.0.0.1", 0))
    print(
        "READY " + json.dumps({"urls": [f"http://127.0.0.1:{listener.getsockname()[1]}"]}),
        flush=True,
    )
    limit = {"max_size": int(sys.argv[1])} if sys.argv[1:] else {}
    eventlet.wsgi.server(listener, app, **limit)


if __name__ == "__main__":
    main()
