"""A proxy that stands before workers, and can be started again at the same address."""

from __future__ import annotations

import base64
import http.client
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from server_under_test.proxies.registry import PROXIES, fetch
from server_under_test.proxies.site import STICKY, Proxy, Site
from server_under_test.queues.registry import Running
from server_under_test.starting.children import start_child, stop_children
from server_under_test.starting.listener import hold_for_program
from server_under_test.starting.options import TRANSPORTS, Options
from server_under_test.starting.problems import Problem

START_SECONDS = 30.0
STOP_SECONDS = 3.0
ASK_SECONDS = 5.0


def said_before(options: Options) -> str | None:
    """What somebody should know before the proxy of these options starts. None if there is nothing to say."""
    if options.proxy is None or options.workers == 1:
        return None
    title = PROXIES[options.proxy].title
    if options.sticky == "none" and "polling" in options.transports:
        return (
            f"--sticky none: {title} gives each request to another worker, and one alone knows the session. "
            "Clients that poll get 400 \"Invalid session\"; those with transports: ['websocket'] do not."
        )
    if options.sticky == "address":
        return (
            f"--sticky address: {title} gives all clients of one address the same worker, "
            f"so those of one machine use 1 of the {options.workers}."
        )
    return None


def site_of(options: Options, workers: Sequence[str]) -> Site:
    """The site of these options: the proxy at their port, before the workers with these URLs."""
    return Site(
        options.host,
        options.port,
        tuple(url.removeprefix("http://") for url in workers),
        options.sticky or STICKY[0],
        silence=math.ceil(options.ping_interval + options.ping_timeout) + 15,
        max_payload=options.max_payload,
    )


def front_of(options: Options, workers: Sequence[str]) -> Front:
    """The proxy of these options, fetched, with its port. It is not started yet. Raises Problem."""
    assert options.proxy is not None
    return Front(PROXIES[options.proxy], site_of(options, workers), options.transports)


class Front:
    """A proxy: its configuration, and its port, which stays its own until `close`.

    `transports` are those of the workers. Raises Problem when the port is taken, or there is no program.
    """

    def __init__(self, proxy: Proxy, site: Site, transports: Sequence[str] = TRANSPORTS) -> None:
        self.proxy = proxy
        self._websocket = "websocket" in transports
        self._held = hold_for_program(site.host, site.port)
        self._program = fetch(proxy, say=lambda line: print(line, file=sys.stderr, flush=True))
        self._address = (site.host, self._held.getsockname()[1])
        site = site.at(self._address[1])
        self.url = f"http://{self._address[0]}:{self._address[1]}"
        """Where clients go."""
        self._scratch = tempfile.TemporaryDirectory(prefix="sioprobe-proxy-")
        self._folder = Path(self._scratch.name)
        self.file = self._folder / proxy.file
        """The configuration that users copy."""
        for name, text in {**proxy.frame(site), proxy.file: proxy.configuration(site)}.items():
            (self._folder / name).write_text(self._filled(text), "utf-8")

    def start(self) -> Running:
        """Start it, for the first time or again, and wait for a handshake through it. Raises Problem."""
        log = self._folder / "log"
        with log.open("wb") as output:
            process = start_child(
                [self._program, *map(self._filled, self.proxy.words)],
                env={**os.environ, **{n: self._filled(v) for n, v in self.proxy.environment.items()}},
                cwd=self._folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SECONDS
        while lack := self._lack():
            said = log.read_text("utf-8", "replace").strip().splitlines()
            last = f" ({said[-1].strip()})" if said else ""
            if process.poll() is not None:
                raise Problem(f"{self.proxy.title} ended with code {process.returncode}{last}")
            if time.monotonic() > deadline:
                stop_children([process], STOP_SECONDS)
                raise Problem(
                    f"no handshake through {self.proxy.title} in {START_SECONDS:.0f} s: {lack}{last}"
                )
            time.sleep(0.05)
        return Running(self.url, (process,), self.start)

    def close(self) -> None:
        """Give up its port, and remove its files. It does not run any more."""
        self._held.close()
        self._scratch.cleanup()

    def _filled(self, text: str) -> str:
        return text.replace("{folder}", str(self._folder))

    def _lack(self) -> str | None:
        """Why no handshake through the proxy was answered. None if one was.

        Over WebSocket it leaves no session behind, whichever worker it reached.
        """
        connection = http.client.HTTPConnection(*self._address, timeout=ASK_SECONDS)
        transport, wanted, headers = "polling", 200, {}
        if self._websocket:
            key = base64.b64encode(os.urandom(16)).decode()
            transport, wanted = "websocket", 101
            headers = {
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": key,
            }
        try:
            connection.request("GET", f"/socket.io/?EIO=4&transport={transport}", headers=headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return str(error) or type(error).__name__
        finally:
            connection.close()
        return None if status == wanted else f"HTTP {status}"
