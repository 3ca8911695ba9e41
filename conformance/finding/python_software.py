"""Which library a Python process serves with, in which versions, and in which async mode.

The application's sources tell the library, the metadata beside its interpreter the versions, and what is
loaded in memory the mode. Nothing is said that none of them shows.
"""

from __future__ import annotations

import os
import re
from importlib.metadata import distributions

from conformance.finding.process import Process
from conformance.finding.python_sources import Sources, read_sources
from conformance.finding.software import Software

__all__ = ["is_python", "python_software"]

PACKAGES = ("flask-socketio", "python-socketio", "python-engineio")
INSTALLED = re.compile(r"(/.*?/(?:site|dist)-packages)/")
ASYNC_SERVERS = ("uvicorn", "hypercorn", "daphne", "granian", "sanic", "tornado", "aiohttp")
ASYNC_MODE = re.compile(r"""\basync_mode\s*=\s*["'](\w+)["']""")


def is_python(process: Process) -> bool:
    """Whether it runs Python, also inside of uWSGI."""
    name = os.path.basename(process.program)
    return name.startswith(("python", "pypy")) or any("libpython" in path for path in process.mapped)


def python_software(process: Process) -> Software:
    """What is known of it. Without a library, it is not known whether it uses what is installed."""
    folders = _package_folders(process)
    versions = {name: found for name in PACKAGES if (found := _version(name, folders))}
    sources = read_sources(process)
    for module, library in (("flask_socketio", "flask-socketio"), ("socketio", "python-socketio")):
        importer = sources.importer(module)
        if importer is None or library not in versions:
            continue
        if library == "python-socketio":
            versions.pop("flask-socketio", None)
        made_of = ", ".join(f"{name} {version}" for name, version in versions.items())
        mode, how = _mode(process, sources, folders, library)
        how = f"imports {module} ({importer}) and has {made_of}; {how}"
        return Software(library, versions[library], mode, versions, how)
    for library, version in versions.items():
        mode, _ = _mode(process, sources, folders, library)
        how = f"has {library} {version} installed, and does not show whether it uses it"
        return Software(None, None, mode if library == "flask-socketio" else None, versions, how)
    return Software()


def _package_folders(process: Process) -> list[str]:
    """Its folders of installed packages: those that it has loaded from, then those of its interpreter."""
    loaded = [found[1] for path in process.mapped if (found := INSTALLED.match(path))]
    started = process.words[0] if process.words else ""
    if "/" not in started:
        path = process.environment.get("PATH", "").split(":")
        places = (os.path.join(folder, started) for folder in path if folder)
        started = next((place for place in places if process.file(place).is_file()), process.program)
    environment = process.file(os.path.dirname(os.path.dirname(started)))
    own = [str(folder) for folder in environment.glob("lib/python3*/*-packages")]
    return [*dict.fromkeys([*(str(process.file(folder)) for folder in loaded), *own])]


def _version(name: str, folders: list[str]) -> str | None:
    """The version of the first such package in the folders."""
    for folder in folders:
        for found in distributions(name=name, path=[folder]):
            return found.version
    return None


def _mode(process: Process, sources: Sources, folders: list[str], library: str) -> tuple[str | None, str]:
    """The async mode in the words of the lists, and what shows it."""
    if library == "python-socketio" and "AsyncServer" in sources.text:
        mode, why = _async_mode(process, sources)
    else:
        mode, why = _sync_mode(process, sources, folders)
    return mode, f"mode {mode}, because {why}" if mode else "it does not show its mode"


def _sync_mode(process: Process, sources: Sources, folders: list[str]) -> tuple[str | None, str]:
    program = os.path.basename(process.program)
    gevent = any("/gevent/" in path for path in process.mapped)
    eventlet = any("/greenlet/" in path for path in process.mapped) and _version("eventlet", folders)
    if program == "uwsgi":
        return ("gevent_uwsgi", "it is uWSGI with gevent") if gevent else (None, "")
    command = [os.path.basename(word) for word in process.words]
    if "gunicorn" in command:
        if any("geventwebsocket" in word for word in command):
            return "gunicorn-geventwebsocket", "its command says so"
        if gevent:
            return "gunicorn-gevent", "it is gunicorn, and gevent is loaded"
        return (None, "") if eventlet else ("gunicorn-gthread", "it is gunicorn, without gevent")
    said = set(ASYNC_MODE.findall(sources.text))
    if said == {"threading"}:
        return "threading", "the application says so"
    if gevent:
        name = "gevent" if _version("gevent-websocket", folders) else "gevent-simple"
        return name, "gevent is loaded"
    return (
        ("eventlet", "eventlet is loaded")
        if eventlet
        else ("threading", "neither gevent nor eventlet is loaded")
    )


def _async_mode(process: Process, sources: Sources) -> tuple[str | None, str]:
    command = " ".join(process.words)
    for name in ASYNC_SERVERS:
        if re.search(rf"(?:^|[/\s.]){name}\b", command):
            return name, "its command says so"
    for name in ASYNC_SERVERS:
        if (importer := sources.importer(name)) is not None:
            return name, f"{importer} imports it"
    return None, ""
