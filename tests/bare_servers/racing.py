"""`python -m tests.bare_servers.racing`: Flask-SocketIO whose threads take turns behind each packet.

python-socketio puts no lock around the packets of one event. A busy machine shows it now and then; a pause
behind each packet shows it every time. Of the contract it has what the case about races needs.
"""

import time
from typing import Any

import socketio
from flask_socketio import emit, join_room

from tests.bare_servers import flask_socketio

PAUSE_SECONDS = 0.001


@flask_socketio.socketio.on("join")
def join(room: str) -> list[str]:
    """Join the room."""
    join_room(room)
    return [room]


@flask_socketio.socketio.on("in")
def to_all_in(room: str, event: str, *arguments: Any) -> None:
    """Emit the event to everybody in the room."""
    emit(event, arguments, to=room)


@flask_socketio.socketio.on("message-with-ack")
def acknowledge(*arguments: Any) -> tuple[Any, ...]:
    """Acknowledge."""
    return arguments


def main() -> None:
    """Pause behind each packet, and serve until SIGTERM."""
    send = socketio.Server._send_eio_packet

    def send_and_pause(*arguments: Any) -> None:
        send(*arguments)
        time.sleep(PAUSE_SECONDS)

    socketio.Server._send_eio_packet = send_and_pause
    flask_socketio.main()


if __name__ == "__main__":
    main()
