"""Queues that Flask-SocketIO reaches through kombu, apart from AMQP.

Most need a manager with options, which a URL cannot carry: `SocketIO(client_manager=KombuManager(...))`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from server_under_test.queues import redis_server
from server_under_test.queues.amqp import missing_kombu
from server_under_test.queues.brokers import folder_of_its_own, managed
from server_under_test.queues.registry import Running
from server_under_test.starting.problems import Problem

NO_URL = "--queue kombu needs the URL of a broker of yours: gcpubsub://..., mongodb://... or pgmq://..."
# The transport looks into its folder once a second if nobody says more.
LOOKS_EVERY = 0.02


def _own_redis() -> Running:
    if lack := redis_server.missing():
        raise Problem(lack)
    return redis_server.start()


def _folder() -> Running:
    return Running(f"filesystem://{folder_of_its_own()}")


def _database() -> Running:
    return Running(f"sqla+sqlite:///{folder_of_its_own()}/queue.sqlite")


def _in_memory() -> Running:
    return Running("memory://")


def _by_url() -> Running:
    raise Problem(
        "--queue kombu needs the URL of a broker of yours: mongodb://..., pgmq://... or gcpubsub://..."
    )


@dataclass(frozen=True, slots=True)
class Kombu:
    """A row of the registry."""

    begin: Callable[[], Running]
    options: Callable[[str], tuple[str, dict[str, Any]]]
    """The URL for kombu, and what else its connection takes."""
    needs: tuple[str, ...] = ()
    """Packages beside kombu."""

    def missing(self) -> str | None:
        if self.begin is _by_url:
            return NO_URL
        for name in self.needs:
            if find_spec(name) is None:
                return f"the queue needs the {name} package: pip install {name}"
        return missing_kombu()

    def start(self) -> Running:
        return self.begin()

    def answers(self, url: str) -> str | None:
        return None

    def arguments(self, url: str, channel: str, write_only: bool) -> dict[str, Any]:
        """kombu's Redis transport needs its own manager: Flask-SocketIO takes redis:// to another one."""
        from socketio import KombuManager

        kombu_url, options = self.options(url)
        return managed(
            KombuManager(kombu_url, channel=channel, write_only=write_only, connection_options=options)
        )


def _plain(url: str) -> tuple[str, dict[str, Any]]:
    return url, {}


def _one_folder(url: str) -> tuple[str, dict[str, Any]]:
    """What one process writes another reads: kombu's two folders must be one, and so must the third."""
    folder = Path(urlsplit(url).path)
    folder.mkdir(parents=True, exist_ok=True)
    options = {
        "data_folder_in": str(folder),
        "data_folder_out": str(folder),
        "control_folder": str(folder / "control"),
        "polling_interval": LOOKS_EVERY,
    }
    return "filesystem://", {"transport_options": options}


REDIS = Kombu(_own_redis, _plain, ("redis",))
FILESYSTEM = Kombu(_folder, _one_folder)
MEMORY = Kombu(_in_memory, _plain)
SQLALCHEMY = Kombu(_database, _plain, ("sqlalchemy",))
OTHER = Kombu(_by_url, _plain)
