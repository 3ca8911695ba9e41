"""The reference server with one break of Flask-SocketIO, a process for each, and one without.

    python -m tests.conformance.flask_fault_servers

The application is imported once; then a child is forked for each fault, breaks it, and serves.
One READY line names them: `{"urls": [], "faults": {"name of the fault": "http://127.0.0.1:port"}}`.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys

from werkzeug.serving import make_server

from server_under_test.app import create_app
from server_under_test.options import Options
from tests.conformance.flask_faults import FAULTS
from tests.conformance.mutation import PING_SECONDS, PONG_SECONDS

FAULTLESS = "faultless"


def main() -> None:
    logging.disable(logging.CRITICAL)
    app = create_app(Options(mode="threading", ping_interval=PING_SECONDS, ping_timeout=PONG_SECONDS))
    urls = {}
    for name in (FAULTLESS, *FAULTS):
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        urls[name] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            # A handler that fails writes its traceback; here many of them are expected.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
            if name in FAULTS:
                FAULTS[name][0]()
            make_server("127.0.0.1", 0, app, threaded=True, fd=listener.fileno()).serve_forever()
            os._exit(0)
        listener.close()
    print("READY " + json.dumps({"urls": list(urls.values()), "faults": urls}), flush=True)
    # The whole process group is ended from outside.
    signal.pause()


if __name__ == "__main__":
    main()
