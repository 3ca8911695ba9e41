# ruff: noqa: E402 - the patching comes before the imports
"""The patched application that uWSGI loads in its worker. It prints READY and says farewell."""

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


# uWSGI calls this when the worker ends, while gevent's loop still runs.
uwsgi.atexit = stop
announce(options)
