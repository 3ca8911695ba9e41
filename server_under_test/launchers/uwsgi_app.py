# ruff: noqa: E402 - the patching comes before the imports
"""What uWSGI loads in its worker: the patched application, which announces itself and says farewell."""

from gevent import monkey

monkey.patch_all()

import uwsgi

from server_under_test.app import create_app
from server_under_test.reference.about import announce
from server_under_test.reference.extensions import socketio
from server_under_test.reference.farewell import tell_clients
from server_under_test.starting.options import Options

options = Options.from_environment()
app = create_app(options)


def stop() -> None:
    tell_clients(socketio)


# Called when the worker ends, while gevent's loop still runs.
uwsgi.atexit = stop
announce(options)
