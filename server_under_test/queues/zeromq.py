"""ZeroMQ: python-socketio has a manager for it, and its documentation the broker that runs here.

`python -m server_under_test.queues.zeromq PORT PORT` is that broker.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Any

from server_under_test.queues.brokers import Broker, accepts, free_ports
from server_under_test.queues.registry import Running
from server_under_test.starting.command import ROOT

START_SECONDS = 15.0
PACKAGES = {"zmq": "pyzmq", "eventlet": "eventlet"}


def missing() -> str | None:
    for name, package in PACKAGES.items():
        if find_spec(name) is None:
            return f"--queue zeromq needs the {package} package: pip install {package}"
    return None


def start() -> Running:
    incoming, outgoing = free_ports(2)
    command = [sys.executable, "-m", __name__, str(incoming), str(outgoing)]
    url = f"zmq+tcp://127.0.0.1:{incoming}+{outgoing}"
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return Broker("ZeroMQ", url, [command], answers, START_SECONDS, environment={"PYTHONPATH": path}).start()


def arguments(url: str, channel: str, write_only: bool) -> dict[str, Any]:
    return {"message_queue": url, "channel": channel}


def answers(url: str) -> str | None:
    address, _, ports = url.rpartition(":")
    found = [accepts(f"{address}:{port}", 0) for port in ports.split("+")]
    return next((error for error in found if error), None)


def _broker(incoming: str, outgoing: str) -> None:
    import zmq

    context = zmq.Context()
    receiver = context.socket(zmq.PULL)
    receiver.bind(f"tcp://127.0.0.1:{incoming}")
    publisher = context.socket(zmq.PUB)
    publisher.bind(f"tcp://127.0.0.1:{outgoing}")
    while True:
        publisher.send(receiver.recv())


if __name__ == "__main__":
    _broker(*sys.argv[1:])
