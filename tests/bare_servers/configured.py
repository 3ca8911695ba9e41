"""`python -m tests.bare_servers.configured JSON`: the bare server with these options of `SocketIO`."""

import json
import sys

from flask_socketio import SocketIO

from tests.bare_servers.flask_socketio import app, main

if __name__ == "__main__":
    # The last one that wraps the application gets the requests first.
    times = {"ping_interval": 1, "ping_timeout": 3}
    SocketIO(app, async_mode="threading", **{**times, **json.loads(sys.argv[1])})
    main()
