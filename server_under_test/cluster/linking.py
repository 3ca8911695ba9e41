"""The supervisor's side of the links: where they are for each worker, and what is told to their program."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from urllib.parse import urlsplit

from server_under_test.cluster.links import HOST
from server_under_test.cluster.parts import Part
from server_under_test.queues.registry import Running
from server_under_test.starting.children import start_child
from server_under_test.starting.command import environment
from server_under_test.starting.options import Options
from server_under_test.starting.problems import Problem

# Plain TCP to addresses that stand in the URL; those of Kafka and Sentinel tell their own.
PORTS = {"redis": "6379", "valkey": "6379", "amqp": "5672", "pyamqp": "5672", "zmq+tcp": ""}
NETLOC = re.compile(r"(?P<user>.*@)?(?P<host>\[.+\]|[^:;,\[\]]+)(?::(?P<ports>\d+(?:\+\d+)*))?")


class Links(Part):
    """A link for each worker. `urls` has the queue's URL through each of them."""

    def __init__(self, queue_url: str, options: Options) -> None:
        """Raises Problem for a queue without links."""
        addresses = _addresses(queue_url)
        words = [sys.executable, "-m", "server_under_test.cluster.links", "--links", str(options.workers)]
        self._program = start_child(
            [*words, *addresses],
            env=environment(options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        super().__init__("links", "the program of the links", Running(queue_url, (self._program,)))
        self.urls = [_through(queue_url, ports) for ports in json.loads(self._answer())]
        self.frozen = [False] * options.workers

    def tell(self, word: str, numbers: list[int] | None = None) -> None:
        """Do this to the links of these workers, or to all. Raises Problem if the program has ended."""
        assert self._program.stdin is not None
        try:
            self._program.stdin.write(" ".join([word, *map(str, numbers or ())]).encode() + b"\n")
            self._program.stdin.flush()
        except BrokenPipeError:
            raise Problem(f"{self.title} has ended") from None
        self._answer()

    def _answer(self) -> bytes:
        assert self._program.stdout is not None
        answer = self._program.stdout.readline()
        if not answer:
            raise Problem(f"{self.title} has ended")
        return answer


def _addresses(url: str) -> list[str]:
    """`host:port` for each connection that leads to the queue. Raises Problem if nobody can know them."""
    parts = urlsplit(url)
    found = NETLOC.fullmatch(parts.netloc)
    if parts.scheme not in PORTS or found is None or ";" in url:
        raise Problem(f"a queue at {parts.scheme}:// has no links: only plain TCP to one address has")
    ports = found["ports"] or PORTS[parts.scheme]
    return [f"{found['host'].strip('[]')}:{port}" for port in ports.split("+")]


def _through(url: str, ports: list[int]) -> str:
    """The URL with the address of a link in the place of the queue's."""
    parts = urlsplit(url)
    found = NETLOC.fullmatch(parts.netloc)
    assert found is not None
    return parts._replace(netloc=f"{found['user'] or ''}{HOST}:{'+'.join(map(str, ports))}").geturl()
