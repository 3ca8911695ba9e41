"""Kafka: a broker of our own (tansu, which speaks its protocol), and a manager that encodes what it sends."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from server_under_test.queues.brokers import Broker, accepts, free_ports, managed
from server_under_test.queues.registry import Running
from server_under_test.starting.problems import Problem
from server_under_test.starting.programs import UNPACKED, find_program

START_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Kafka:
    """A row of the registry."""

    mended: bool

    def missing(self) -> str | None:
        if find_spec("kafka") is None:
            return "the queue needs the kafka-python package: pip install kafka-python"
        return None if find_tansu() else NO_BROKER

    def start(self) -> Running:
        program = find_tansu()
        if program is None:
            raise Problem(NO_BROKER)
        [port] = free_ports(1)
        address = f"tcp://127.0.0.1:{port}"
        command = [program, "broker", "--listener-url", address, "--advertised-listener-url", address]
        command += ["--storage-engine", "memory://tansu/"]
        return Broker("tansu", f"kafka://127.0.0.1:{port}", [command], self.answers, START_SECONDS).start()

    def answers(self, url: str) -> str | None:
        return accepts(url, 9092)

    def arguments(self, url: str, channel: str, write_only: bool) -> dict[str, Any]:
        if not self.mended:
            return {"message_queue": url, "channel": channel}
        return managed(_mended_manager()(url, channel=channel, write_only=write_only))


NO_BROKER = (
    "the queue needs a Kafka broker: --queue kafka://HOST:9092, or tansu on PATH "
    "(python ci/parts.py kafka in a checkout)"
)


def find_tansu() -> str | None:
    """The program on PATH, or what the set-up has unpacked."""
    return find_program("tansu", folders=(None, str(UNPACKED / "kafka")))


def _mended_manager() -> Any:
    """python-socketio's manager, whose `_publish` gives text to a producer that takes bytes."""
    from socketio import KafkaManager

    class EncodingKafkaManager(KafkaManager):
        def _publish(self, data: Any) -> None:
            # One key is one partition, and keeps the order of messages.
            self.producer.send(self.channel, key=b"socketio", value=self.json.dumps(data).encode())
            self.producer.flush()

    return EncodingKafkaManager


SHIPPED = Kafka(mended=False)
MENDED = Kafka(mended=True)
