import os
import time
from queue import Queue

from flask import Flask
from flask_socketio import SocketIO
from socketio import RedisManager  # for RabbitMQ: KombuManager

DEAF_SECONDS = 5
QUEUE = {"url": os.environ["QUEUE_URL"], "channel": "flask-socketio"}

# It has a connection of its own: a manager whose publish fails closes the connection that listens, too.
publisher = RedisManager(**QUEUE, write_only=True)


class Manager(RedisManager):
    heard = time.monotonic()

    def initialize(self):
        self.waiting = Queue(maxsize=10_000)
        super().initialize()
        self.server.start_background_task(self.publish_what_waits)

    def _publish(self, data):
        self.waiting.put_nowait(data)  # emit() does not wait; it raises queue.Full when all places are taken

    def publish_what_waits(self):
        while True:
            publisher._publish(self.waiting.get())

    def _listen(self):
        for message in super()._listen():
            self.heard = time.monotonic()
            yield message


app = Flask(__name__)
manager = Manager(**QUEUE)
socketio = SocketIO(app, client_manager=manager)  # in place of message_queue=...


def say_hello():
    while True:
        socketio.emit("hello", to="nobody")  # nobody is in this room, but every process hears of it
        socketio.sleep(1)


# Listen from now on, and not from the first client on.
socketio.server.manager_initialized = True
manager.initialize()
socketio.start_background_task(say_hello)


@app.get("/health")
def health():
    silent = time.monotonic() - manager.heard
    told = {"silent": round(silent, 1), "waiting": manager.waiting.qsize()}
    return told, 503 if silent > DEAF_SECONDS else 200
