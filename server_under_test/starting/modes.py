"""The async modes by name: what each is, what it needs, and the launcher that runs it.

This imports only the standard library, since the command line reads it before a mode patches anything.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

from server_under_test.starting.programs import find_program


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to run the reference server."""

    name: str
    async_mode: str
    """What Flask-SocketIO calls it."""
    title: str
    launcher: str
    """The module below `server_under_test.launchers`."""
    modules: tuple[str, ...] = ()
    """Modules that it needs beside Flask-SocketIO's own dependencies."""
    programs: tuple[str, ...] = ()
    """Programs that it needs on PATH or beside the Python interpreter."""
    packages: tuple[str, ...] = ()
    """Distributions whose versions belong in a report."""


MODES = {
    mode.name: mode
    for mode in (
        Mode(
            "threading",
            "threading",
            "threading: Werkzeug's server, a thread per connection",
            "threading_mode",
            packages=("simple-websocket",),
        ),
        Mode(
            "eventlet",
            "eventlet",
            "eventlet: its own WSGI server and WebSocket",
            "eventlet_mode",
            modules=("eventlet",),
            packages=("eventlet",),
        ),
        Mode(
            "gevent",
            "gevent",
            "gevent: pywsgi with gevent-websocket",
            "gevent_mode",
            modules=("gevent", "geventwebsocket"),
            packages=("gevent", "gevent-websocket"),
        ),
        Mode(
            "gevent-simple",
            "gevent",
            "gevent: pywsgi with simple-websocket",
            "gevent_simple_mode",
            modules=("gevent",),
            packages=("gevent", "simple-websocket"),
        ),
        Mode(
            "gevent_uwsgi",
            "gevent_uwsgi",
            "uWSGI with gevent and uWSGI's own WebSocket",
            "uwsgi_mode",
            modules=("gevent",),
            programs=("uwsgi",),
            packages=("uwsgi", "gevent"),
        ),
        Mode(
            "gunicorn-gthread",
            "threading",
            "gunicorn: gthread worker with simple-websocket",
            "gunicorn_gthread_mode",
            modules=("gunicorn",),
            packages=("gunicorn", "simple-websocket"),
        ),
        Mode(
            "gunicorn-gevent",
            "gevent",
            "gunicorn: gevent worker with simple-websocket",
            "gunicorn_gevent_mode",
            modules=("gunicorn", "gevent"),
            packages=("gunicorn", "gevent", "simple-websocket"),
        ),
        Mode(
            "gunicorn-geventwebsocket",
            "gevent",
            "gunicorn: GeventWebSocketWorker",
            "gunicorn_geventwebsocket_mode",
            modules=("gunicorn", "gevent", "geventwebsocket"),
            packages=("gunicorn", "gevent", "gevent-websocket"),
        ),
    )
}

# How to install a package when it takes more than `pip install NAME`.
_INSTALL = {
    "geventwebsocket": ("gevent-websocket package", "pip install gevent-websocket"),
    "gunicorn": ("gunicorn package", "pip install 'gunicorn[gevent]'"),
    "uwsgi": ("uwsgi package", "pip install uwsgi (needs a C compiler and OpenSSL headers)"),
}


def missing(mode: Mode) -> str | None:
    """One line about what the mode lacks on this machine, and how to get it. None if it can run."""
    for name in mode.modules:
        if importlib.util.find_spec(name) is None:
            return _line(mode, name)
    for name in mode.programs:
        if find_program(name) is None:
            return _line(mode, name)
    return None


def _line(mode: Mode, name: str) -> str:
    what, how = _INSTALL.get(name, (f"{name} package", f"pip install {name}"))
    return f"mode {mode.name} needs the {what}: {how}"
