"""Makes a Flask-SocketIO server slower by a known amount for each event, to see whether the gate notices.

SIOPROBE_INJECT says how: `spin:N` runs an empty loop N times, `sleep:SECONDS` sleeps, `fsync` writes a byte
to a file and waits for the disk, `none` does nothing.
"""

import importlib.abc
import importlib.machinery
import os
import sys
import tempfile
from typing import Any


def _burden(text: str) -> Any:
    kind, _, amount = text.partition(":")
    if kind == "spin":
        rounds = int(amount)

        def spin() -> None:
            for _ in range(rounds):
                pass

        return spin
    if kind == "sleep":
        seconds = float(amount)

        def sleep() -> None:
            # Imported here: the server's mode has patched it by now.
            import time

            time.sleep(seconds)

        return sleep
    if kind == "fsync":
        file = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the server

        def fsync() -> None:
            os.pwrite(file.fileno(), b"x", 0)
            os.fsync(file.fileno())

        return fsync
    return lambda: None


class _Finder(importlib.abc.MetaPathFinder):
    """Waits for flask_socketio, which must not be imported before the mode has patched the process."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "flask_socketio":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            burden = _burden(os.environ["SIOPROBE_INJECT"])
            handle = module.SocketIO._handle_event

            def handle_event(self: Any, *arguments: Any) -> Any:
                burden()
                return handle(self, *arguments)

            module.SocketIO._handle_event = handle_event

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if os.environ.get("SIOPROBE_INJECT"):
    sys.meta_path.insert(0, _Finder())
