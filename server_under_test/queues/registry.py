"""The queues by name: what each is, where it works, which URLs lead to it, and the module that starts it.

This imports only the standard library, since the command line reads it before a mode patches anything.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, Protocol, cast

from server_under_test.starting.problems import Problem, unknown

Works = Literal["yes", "partly", "no", "not tried"]
ASYNC_MODES = ("threading", "eventlet", "gevent", "gevent_uwsgi")


@dataclass(frozen=True, slots=True)
class Running:
    """A queue that answers: its address, and the processes of it that we started."""

    url: str
    processes: tuple[subprocess.Popen[bytes], ...] = ()
    """The broker first. Empty if the user's own is used."""
    again: Callable[[], Running] | None = None
    """Starts it again at the same address, after it has ended."""


class Functions(Protocol):
    """What the module of a queue offers."""

    def missing(self) -> str | None:
        """One line about what it lacks here, and how to get it."""

    def start(self) -> Running:
        """A queue of our own that answers. Raises Problem."""

    def answers(self, url: str) -> str | None:
        """Why no queue answers at the URL. None if one does, or if nobody can ask."""

    def arguments(self, url: str, channel: str, write_only: bool) -> dict[str, Any]:
        """What `SocketIO(...)` takes. It is called in the server process."""


@dataclass(frozen=True, slots=True)
class Queue:
    """One way to join the processes."""

    name: str
    title: str
    module: str
    """The module below `server_under_test.queues` that has the functions, or `module:OBJECT` in it."""
    schemes: tuple[str, ...] = ()
    """The schemes of its URLs. A URL with one of them is used as it is, and nothing is started."""
    example: str = ""
    """A URL of the form that it needs, if not every one will do; `form` is the pattern."""
    form: str = ".*"
    works: Works = "yes"
    """`python -m ci.queues` compares it with what it sees."""
    modes: tuple[str, ...] = ASYNC_MODES
    """The async modes for which `works` holds."""
    partly: tuple[str, ...] = ()
    """Those in which it works partly. In the others it does not work."""
    reason: str = ""
    """Why it does not work everywhere, as one clause."""

    def load(self) -> Functions:
        """The functions of this queue. A server process calls it after its mode has patched."""
        module, colon, name = self.module.partition(":")
        loaded = import_module(f"server_under_test.queues.{module}")
        return cast(Functions, getattr(loaded, name) if colon else loaded)

    def works_in(self, async_mode: str) -> Works:
        return self.works if async_mode in self.modes else "partly" if async_mode in self.partly else "no"

    @property
    def standing(self) -> str:
        """Where it works, as a sentence."""
        if self.works in ("no", "not tried"):
            return f"{'does not work' if self.works == 'no' else 'was not tried'}: {self.reason}"
        where = "in every mode" if self.modes == ASYNC_MODES else f"with {', '.join(self.modes)}"
        if self.partly:
            where += f", and partly with {', '.join(self.partly)}"
        said = f"works {where}" if self.works == "yes" else f"works partly {where}"
        return f"{said}: {self.reason}" if self.reason else said


NO_FANOUT = "kombu has no fanout for it, and nothing reaches the other processes, without an error"
BUT_FOR_THREADS: dict[str, Any] = {
    "modes": ("eventlet", "gevent", "gevent_uwsgi"),
    "partly": ("threading",),
    "reason": "threads share one connection of kombu, and what they emit at the same time may be lost, or a "
    "thread waits for ever (--queue rabbitmq-mended lets emits wait for each other)",
}

QUEUES = {
    queue.name: queue
    for queue in (
        Queue("redis", "Redis", "redis_server", ("redis", "rediss", "unix")),
        Queue("valkey", "Valkey", "redis_server:VALKEY", ("valkey", "valkeys")),
        Queue(
            "sentinel",
            "Redis behind Sentinel",
            "redis_server:SENTINEL",
            ("redis+sentinel", "valkey+sentinel"),
            example="redis+sentinel://HOST:26379,HOST:26379/0/SERVICE",
            form=r"[^/]+//([^/]+:\d+)(,[^/]+:\d+)*/\d+/.+",
        ),
        Queue(
            "redis-kombu",
            "Redis through kombu",
            "through_kombu:REDIS",
            works="partly",
            reason="what clients emit at the same time shares one connection, and is lost or comes twice",
        ),
        Queue("rabbitmq", "RabbitMQ", "amqp:RABBITMQ", ("amqp", "amqps", "pyamqp"), **BUT_FOR_THREADS),
        Queue(
            "rabbitmq-mended",
            "RabbitMQ, with a manager whose emits wait for each other",
            "amqp:RABBITMQ_MENDED",
        ),
        Queue("garagemq", "garagemq, a light AMQP broker", "amqp:GARAGEMQ", **BUT_FOR_THREADS),
        Queue(
            "zeromq",
            "ZeroMQ, with the broker in python-socketio's documentation",
            "zeromq",
            ("zmq+tcp",),
            example="zmq+tcp://HOST:5555+5556",
            form=r".*:\d+\+\d+",
            modes=("eventlet",),
            partly=("threading",),
            reason="python-socketio takes eventlet's ZeroMQ in every mode; with gevent no request is "
            "answered, and with threading the listener keeps a core busy",
        ),
        Queue(
            "kafka",
            "Kafka",
            "kafka:SHIPPED",
            ("kafka",),
            works="no",
            reason="python-socketio gives text to a producer that takes bytes, and every emit fails "
            "(--queue kafka-mended encodes it)",
        ),
        Queue("kafka-mended", "Kafka, with a manager that encodes", "kafka:MENDED"),
        Queue(
            "filesystem",
            "one folder, through kombu",
            "through_kombu:FILESYSTEM",
            ("filesystem",),
            example="filesystem:///FOLDER",
            form=r"filesystem:///.+",
            works="partly",
            reason="a process may read a half-written file, and is then deaf for a second or more",
        ),
        Queue(
            "memory",
            "memory, through kombu",
            "through_kombu:MEMORY",
            ("memory",),
            works="no",
            reason="it stays in its process, and nothing reaches the others, without an error",
        ),
        Queue(
            "sqlalchemy",
            "SQLite, through kombu and SQLAlchemy",
            "through_kombu:SQLALCHEMY",
            ("sqla", "sqlalchemy"),
            works="no",
            reason=NO_FANOUT,
        ),
        Queue(
            "kombu",
            "another transport of kombu, by its URL",
            "through_kombu:OTHER",
            ("gcpubsub", "mongodb", "pgmq"),
            works="not tried",
            reason="kombu has a fanout for it",
        ),
    )
}

# kombu knows these schemes, and no process hears another through them.
WITHOUT_FANOUT = (
    *("azureservicebus", "azurestoragequeues", "confluentkafka", "consul", "etcd", "pyro", "qpid"),
    *("slmq", "sqs", "zookeeper"),
)

ALL_SCHEMES = tuple(scheme for queue in QUEUES.values() for scheme in queue.schemes)


def find(text: str) -> tuple[Queue, str | None]:
    """The queue with this name, or the one that this URL leads to, with the URL. Raises Problem."""
    if text in QUEUES:
        return QUEUES[text], None
    scheme, colon, _ = text.partition("://")
    if not colon:
        raise Problem(f"{unknown('queue', text, QUEUES)}, or a URL such as redis://HOST:6379")
    # What a transport of kombu stands on comes after a plus: sqla+sqlite.
    for known in (scheme, scheme.partition("+")[0]):
        for queue in QUEUES.values():
            if known in queue.schemes:
                if not re.fullmatch(queue.form, text):
                    raise Problem(f"--queue {text} is not a URL such as {queue.example}")
                return queue, text
        lower = known.lower()
        if lower in ALL_SCHEMES:
            raise Problem(f"write {lower}:// for {known}://: Flask-SocketIO takes it for a URL of kombu")
        if lower in WITHOUT_FANOUT:
            raise Problem(f"--queue {known}:// does not work: {NO_FANOUT}")
    if scheme == "sentinel":
        raise Problem("write redis+sentinel://HOST:26379/0/SERVICE: a URL of kombu cannot name the service")
    # https is no mistyped amqps.
    raise unknown("scheme of a queue", scheme, ALL_SCHEMES, likeness=0.7)
