"""A chat with rooms. People log in by name, and the session cookie says who they are."""

import argparse
import os

options = argparse.ArgumentParser()
options.add_argument("--async-mode", default="threading")
options.add_argument("--port", type=int, default=5000)
options.add_argument(
    "--cookie", metavar="NAME", help="print the cookie of somebody who is logged in, and end"
)
args = options.parse_args()

if args.async_mode == "gevent":
    from gevent import monkey

    monkey.patch_all()
elif args.async_mode == "eventlet":
    import eventlet

    eventlet.monkey_patch()

from flask import Flask, request, session
from flask_socketio import ConnectionRefusedError, SocketIO, emit, join_room

from history import History

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY", "change me")
socketio = SocketIO(app, async_mode=args.async_mode)
history = History()


@app.post("/login")
def login():
    session["name"] = request.form["name"]
    return "", 204


@socketio.on("connect")
def connect():
    if "name" not in session:
        raise ConnectionRefusedError("log in first")


@socketio.on("enter")
def enter(room):
    join_room(room)
    return history.of(room)


@socketio.on("say")
def say(room, text):
    history.add(room, session["name"], text)
    emit("said", {"by": session["name"], "text": text}, to=room)
    return {"ok": True}


if __name__ == "__main__":
    if args.cookie:
        client = app.test_client()
        client.post("/login", data={"name": args.cookie})
        print("session=" + client.get_cookie("session").value)
    else:
        socketio.run(app, port=args.port, allow_unsafe_werkzeug=True)
