"""The connections of sioprobe's own load, for `sioprobe conform --client swarm` (CLIENT_CONTRACT.md)."""

import base64
import json
import sys
import tempfile

import gevent
from gevent.fileobject import FileObjectThread

import sioprobe
from sioprobe.engine import Backoff, Connection, Engine, Listener, SwarmError, Target
from sioprobe.wire import LocalProtocolError

connections = {}  # of each namespace, the last one
everyone = []
engine = Engine()


def see(seen, **fields):
    sys.stdout.write(json.dumps({"seen": seen, **fields}) + "\n")
    sys.stdout.flush()


def pack(value):
    if isinstance(value, bytes):
        return {"$bin": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: pack(one) for key, one in value.items()}
    return [pack(one) for one in value] if isinstance(value, (list, tuple)) else value


def unpack(value):
    if isinstance(value, dict):
        if isinstance(value.get("$bin"), str):
            return base64.b64decode(value["$bin"])
        return {key: unpack(one) for key, one in value.items()}
    return [unpack(one) for one in value] if isinstance(value, list) else value


class App(Listener):
    """What the application sees, until it is told to forget."""

    __slots__ = ("joined", "silent")

    def __init__(self):
        self.joined = set()
        self.silent = False

    def see(self, seen, **fields):
        if not self.silent:
            see(seen, **fields)

    def connected(self, connection, namespace):
        self.joined.add(namespace)
        known = connection.recovery
        recovered = known is not None and namespace in known.recovered
        self.see("connect", namespace=namespace, id=connection.namespaces[namespace], recovered=recovered)

    def refused(self, connection, namespace, data):
        told = data if isinstance(data, dict) else {}
        self.see("connect_error", namespace=namespace, message=told.get("message"), data=told.get("data"))

    def event(self, connection, namespace, name, args, ack_id):
        if name != "news":
            return
        self.see("event", namespace=namespace, event=name, args=pack(args))
        if ack_id is not None:
            connection.ack(ack_id, *args, namespace=namespace)

    def disconnected(self, connection, namespace):
        if namespace not in self.joined:
            return
        self.joined.discard(namespace)
        self.see("disconnect", namespace=namespace, reason="disconnected by the server")
        if not self.joined:
            connection.close()

    def lost(self, connection, failure):
        self.over(failure)

    def closed(self, connection, failure):
        self.over(failure)

    def over(self, failure):
        kind = str(failure) if failure else "left"
        for namespace in self.joined:
            self.see("disconnect", namespace=namespace, reason=kind)
        if not self.joined and failure is not None:
            self.see("connect_error", namespace="/", message=kind, data=None)
        self.joined = set()


def connect(url, namespace, options):
    shared = [one for one in everyone if one.target.url == url and not one.closed]
    if shared and not options.get("forceNew", False):
        connections[namespace] = shared[-1]
        shared[-1].connect(namespace, options.get("auth"))
        return
    transports = options.get("transports", ["polling", "websocket"])
    transport = transports[0] if len(transports) == 1 else "upgrade"
    backoff = None
    if options.get("reconnection", True):
        backoff = Backoff(
            options.get("reconnectionDelay", 1000) / 1000,
            options.get("reconnectionDelayMax", 5000) / 1000,
            randomization_factor=options.get("randomizationFactor", 0.5),
            attempts=options.get("reconnectionAttempts"),
        )
    timeout = options.get("timeout", 20_000) / 1000
    path = options.get("path", "/socket.io/")
    more = {"query": options.get("query"), "headers": options.get("extraHeaders")}
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        if "ca" in options:
            file.write(options["ca"])
            file.flush()
            more["ca_file"] = file.name
        target = Target.from_url(url, path, **more)
    connection = Connection(engine, target, transport, App(), timeout=timeout, backoff=backoff)
    connections[namespace] = connection
    everyone.append(connection)
    connection.connect(namespace, options.get("auth"))


def emit(event, args, namespace="/", ack=None, timeout=10_000):
    def answered(answer, failure):
        error = None if failure is None else str(failure)
        see("acked", namespace=namespace, ack=ack, args=pack(answer or []), error=error)

    if namespace not in connections[namespace].namespaces:
        raise SwarmError("not connected")  # users of the load wait in `connect`
    more = {"ack": answered, "timeout": timeout / 1000} if ack else {}
    connections[namespace].emit(event, *unpack(args), namespace=namespace, **more)


def disconnect(namespace="/"):
    connection = connections[namespace]
    if [*connection.namespaces] == [namespace] or namespace not in connection.namespaces:
        connection.close()
    else:
        connection.disconnect(namespace)


def reset():
    for connection in everyone:
        connection.listener.silent = True
        connection.close()
    everyone.clear()
    connections.clear()
    see("reset")


COMMANDS = {"connect": connect, "emit": emit, "disconnect": disconnect, "reset": reset}


def obey(what, fields):
    if what not in COMMANDS:
        see("unknown", do=what)
        return
    try:
        COMMANDS[what](**fields)
    except (SwarmError, LocalProtocolError) as error:
        see("threw", do=what, message=str(error))


def main():
    engine.start()
    features = ["polling", "websocket", "upgrade", "reconnection", "namespaces", "auth", "ack_in", "ack_out"]
    features += ["ack_timeout", "multiplex", "binary", "connect_error_data", "id", "recovery"]
    features += ["path", "query", "headers", "headers_websocket", "cookies", "tls"]
    see("hello", client="sioprobe", version=sioprobe.__version__, features=features)
    for line in FileObjectThread(sys.stdin.buffer, "rb"):
        fields = json.loads(line)
        obey(fields.pop("do"), fields)
        gevent.sleep(0)


main()
