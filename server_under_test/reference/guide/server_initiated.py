"""Events that the server starts: from a background task here, and from an HTTP route in `routes`.

They belong to no client, so `socketio.emit` and `socketio.send` reach everybody in the namespace.
"""

from __future__ import annotations

from server_under_test.reference.extensions import socketio


@socketio.on("start counting", namespace="/guide")
def start_counting(last: int) -> None:
    socketio.start_background_task(count, last)


def count(last: int) -> None:
    for number in range(1, last + 1):
        socketio.emit("counted", {"data": number}, namespace="/guide")
        socketio.sleep(0)
    socketio.send("counted to the end", namespace="/guide")
