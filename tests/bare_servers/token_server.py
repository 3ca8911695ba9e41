"""`python -m tests.bare_servers.token_server [TOKEN]`: Flask-SocketIO that connects nobody without the token.

Without TOKEN it connects everybody, as the bare server does. It repeats what it was shown.
"""

import json
import sys
from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError

from tests.bare_servers.flask_socketio import main, socketio

TOKEN = sys.argv[1] if len(sys.argv) > 1 else None


@socketio.on("connect")
def connect(auth: Any = None) -> None:
    """Refuse whoever has another token."""
    if TOKEN is not None and (not isinstance(auth, dict) or auth.get("token") != TOKEN):
        shown = {"auth": auth, "headers": dict(request.headers), "query": request.args}
        raise ConnectionRefusedError(f"not with {json.dumps(shown)}")


if __name__ == "__main__":
    main()
