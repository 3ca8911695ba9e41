"""Brokers for AMQP 0-9-1, which Flask-SocketIO reaches through kombu: RabbitMQ and garagemq.

Both listen on free ports of 127.0.0.1, keep their files in a temporary folder, and end with the process
that started them. None of them needs root, or touches what the machine has of RabbitMQ.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from server_under_test.queues.brokers import Broker, accepts, folder_of_its_own, free_ports, managed
from server_under_test.queues.registry import Running
from server_under_test.starting.problems import Problem
from server_under_test.starting.programs import UNPACKED, find_program

# Debian's /usr/sbin/rabbitmq-server changes the user and the folder; this one only starts the program.
PLACES = (UNPACKED / "rabbitmq/usr/lib/rabbitmq/bin", Path("/usr/lib/rabbitmq/bin"))
ERLANG = UNPACKED / "rabbitmq/usr/lib/erlang/bin"
# A quiet machine takes seven seconds, and one under load ten times as much or more.
START_SECONDS = 240.0
GREETING = b"AMQP\x00\x00\x09\x01"

RABBITMQ_CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
disk_free_limit.absolute = 50MB
vm_memory_high_watermark.absolute = 256MB
log.console = true
log.console.level = warning
log.file = false
"""

GARAGEMQ_CONFIGURATION = """\
proto: amqp-rabbit
users:
  - username: guest
    password: 084e0343a0486ff05530df6c705c8bb4 # md5 of "guest"
tcp: {{ip: 127.0.0.1, port: "{port}", nodelay: true, readBufSize: 196608, writeBufSize: 196608}}
admin: {{ip: 127.0.0.1, port: "{admin}"}}
queue: {{shardSize: 8192, maxMessagesInRam: 131072}}
db: {{defaultPath: {folder}/db, engine: badger}}
vhost: {{defaultPath: /}}
security: {{passwordCheck: md5}}
connection: {{channelsMax: 4096, frameMaxSize: 65536}}
"""


@dataclass(frozen=True, slots=True)
class Amqp:
    """A row of the registry."""

    lacks: Callable[[], str | None]
    make: Callable[[], Broker]
    mended: bool = False
    """Whether emits wait for each other."""

    def missing(self) -> str | None:
        return missing_kombu() or self.lacks()

    def start(self) -> Running:
        return self.make().start()

    def answers(self, url: str) -> str | None:
        return accepts(url, 5671) if url.startswith("amqps") else answers(url)

    def arguments(self, url: str, channel: str, write_only: bool) -> dict[str, Any]:
        """Flask-SocketIO takes these URLs to kombu."""
        if not self.mended:
            return {"message_queue": url, "channel": channel}
        return managed(_mended_manager()(url, channel=channel, write_only=write_only))


def missing_kombu() -> str | None:
    # kombu puts another module in its place, of which find_spec knows nothing.
    here = sys.modules.get("kombu") or find_spec("kombu")
    return None if here else "the queue needs the kombu package: pip install kombu"


def answers(url: str) -> str | None:
    """Why no AMQP broker answers there: the first bytes of a connection."""
    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname or "127.0.0.1", address.port or 5672), 3) as peer:
            peer.sendall(GREETING)
            answer = peer.recv(8)
    except OSError as error:
        return str(error)
    # A frame of type 1 (METHOD): connection.start.
    return None if answer[:1] == b"\x01" else f"it answers {answer!r}, which is not AMQP 0-9-1"


def find_rabbitmq() -> tuple[str, str] | None:
    """The folders of RabbitMQ's program and of Erlang's: installed, or unpacked by the set-up."""
    for place in PLACES:
        if (place / "rabbitmq-server").exists():
            erl = str(ERLANG / "erl") if place.is_relative_to(UNPACKED) else find_program("erl")
            if erl is not None and os.access(erl, os.X_OK):
                return str(place), str(Path(erl).parent)
    # Not Debian's: Homebrew, or the archive for every Unix.
    program, erl = find_program("rabbitmq-server"), find_program("erl")
    if program is None or erl is None or program.startswith("/usr/sbin/"):
        return None
    return str(Path(program).resolve().parent), str(Path(erl).parent)


def _lacks_rabbitmq() -> str | None:
    if find_rabbitmq() is not None:
        return None
    return (
        "the queue needs RabbitMQ: python ci/parts.py rabbitmq in a checkout (no root needed), "
        "or on Debian: apt-get install rabbitmq-server"
    )


def _rabbitmq() -> Broker:
    found = find_rabbitmq()
    if found is None:
        raise Problem(str(_lacks_rabbitmq()))
    programs, erlang = found
    port, distribution, epmd_port = free_ports(3)
    folder = folder_of_its_own()
    (folder / "rabbitmq.conf").write_text(RABBITMQ_CONFIGURATION.format(port=port))
    (folder / "enabled_plugins").write_text("[].")
    environment = {
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PATH": os.pathsep.join((erlang, os.environ.get("PATH", "/usr/bin:/bin"))),
        "RABBITMQ_NODENAME": f"n{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
        "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/none.config",
        # One scheduler that sleeps when there is nothing to do: the broker shares the machine with servers.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} "
        "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_CRASH_DUMP_BYTES": "0",
        # The shell script then becomes Erlang, and so our child is the broker.
        "RUNNING_UNDER_SYSTEMD": "true",
    }
    # RabbitMQ would start an epmd that outlives it.
    epmd = [f"{erlang}/epmd", "-address", "127.0.0.1", "-port", str(epmd_port)]
    return Broker(
        "RabbitMQ",
        f"amqp://guest:guest@127.0.0.1:{port}//",
        [[f"{programs}/rabbitmq-server"], epmd],
        answers,
        START_SECONDS,
        folder,
        environment,
    )


def find_garagemq() -> str | None:
    """The program on PATH, or unpacked by the set-up."""
    return find_program("garagemq", folders=(None, str(UNPACKED / "garagemq/usr/bin")))


def _lacks_garagemq() -> str | None:
    if find_garagemq() is not None:
        return None
    return (
        "--queue garagemq needs garagemq: python ci/parts.py garagemq in a checkout (no root needed), "
        "or on Debian: apt-get install garagemq"
    )


def _garagemq() -> Broker:
    program = find_garagemq()
    if program is None:
        raise Problem(str(_lacks_garagemq()))
    port, admin = free_ports(2)
    folder = folder_of_its_own()
    configuration = folder / "config.yaml"
    configuration.write_text(GARAGEMQ_CONFIGURATION.format(port=port, admin=admin, folder=folder))
    url = f"amqp://guest:guest@127.0.0.1:{port}//"
    return Broker("garagemq", url, [[program, "--config", str(configuration)]], answers, 15.0, folder)


def _mended_manager() -> Any:
    """python-socketio's manager, whose threads share one connection and read each other's answers from it."""
    from threading import Lock

    from socketio import KombuManager

    class OneAtATime(KombuManager):
        lock = Lock()

        def _publish(self, data: Any) -> None:
            with self.lock:
                super()._publish(data)

    return OneAtATime


RABBITMQ = Amqp(_lacks_rabbitmq, _rabbitmq)
RABBITMQ_MENDED = Amqp(_lacks_rabbitmq, _rabbitmq, mended=True)
GARAGEMQ = Amqp(_lacks_garagemq, _garagemq)
