"""python-socketio's AsyncClient, for `sioprobe conform --client python` (CLIENT_CONTRACT.md).

`async-agent.py sync` takes its Client, which has threads, for `--client python-sync`.
"""

import asyncio
import base64
import contextlib
import importlib.metadata
import itertools
import json
import ssl
import sys
import tempfile
import threading
from urllib.parse import urlencode

import socketio

SYNC = sys.argv[1:2] == ["sync"]
EVENTS = ("news", "throw")
clients = {}  # of each namespace, the last one
everyone = []
calls = {}  # of connect, for `open`
refused = set()  # clients whose application has seen connect_error
waiting = []  # of the handlers of `wait`: what ends them
tasks = set()
writing = threading.Lock()


def see(seen, **fields):
    with writing:
        sys.stdout.write(json.dumps({"seen": seen, **fields}) + "\n")
        sys.stdout.flush()


async def run(method, *args, **more):
    """Call a method of the client: in a thread of its own if it is no coroutine."""
    if not SYNC:
        return await method(*args, **more)
    done = asyncio.get_running_loop().create_future()

    def tell(take, value):
        with contextlib.suppress(RuntimeError):  # the loop is closed
            done.get_loop().call_soon_threadsafe(lambda: done.done() or take(value))

    def work():
        try:
            result = method(*args, **more)
        except Exception as error:
            tell(done.set_exception, error)
        else:
            tell(done.set_result, result)

    threading.Thread(target=work, daemon=True).start()
    return await done


def pack(value):
    if isinstance(value, (bytes, bytearray)):
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


def trusting(authority):
    """A factory of sessions that trust this certificate (PEM), and no others."""
    if SYNC:
        import requests

        file = tempfile.NamedTemporaryFile(suffix=".pem")  # noqa: SIM115  (it lives as long as the factory)
        file.write(authority.encode())
        file.flush()

        def session():
            made = requests.Session()
            made.verify = file.name
            made.trust_env = False  # else REQUESTS_CA_BUNDLE takes its place
            return made

        return session
    import aiohttp

    context = ssl.create_default_context(cadata=authority)
    return lambda: aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))


def new_client(namespace, options):
    client = (socketio.Client if SYNC else socketio.AsyncClient)(
        reconnection=options.get("reconnection", True),
        reconnection_attempts=options.get("reconnectionAttempts", 0),
        reconnection_delay=options.get("reconnectionDelay", 1000) / 1000,
        reconnection_delay_max=options.get("reconnectionDelayMax", 5000) / 1000,
        randomization_factor=options.get("randomizationFactor", 0.5),
        request_timeout=options.get("timeout", 5000) / 1000,
        timestamp_requests=options.get("timestampRequests", True),
        http_session=trusting(options["ca"]) if "ca" in options else None,
        handle_sigint=False,
    )

    def on_connect():
        see("connect", namespace=namespace, id=client.get_sid(namespace))

    def on_disconnect(reason=None):
        see("disconnect", namespace=namespace, reason=reason)

    def on_connect_error(data=None):
        refused.add(client)
        message = data.get("message") if isinstance(data, dict) else data
        more = data.get("data") if isinstance(data, dict) else None
        see("connect_error", namespace=namespace, message=message, data=more)

    client.on("connect", on_connect, namespace=namespace)
    client.on("disconnect", on_disconnect, namespace=namespace)
    client.on("connect_error", on_connect_error, namespace=namespace)
    for event in EVENTS:

        def on_event(*args, event=event):
            see("event", namespace=namespace, event=event, args=pack(list(args)))
            if event == "throw":
                raise RuntimeError("the application throws")
            return tuple(args)

        client.on(event, on_event, namespace=namespace)

    def begin_to_wait(go, args):
        waiting.append(go)
        see("event", namespace=namespace, event="wait", args=pack(list(args)))
        return go.wait()

    async def on_wait(*args):
        await begin_to_wait(asyncio.Event(), args)

    def on_wait_in_a_thread(*args):
        begin_to_wait(threading.Event(), args)

    client.on("wait", on_wait_in_a_thread if SYNC else on_wait, namespace=namespace)
    return client


async def connect(url, namespace, options):
    clients[namespace] = new_client(namespace, options)
    everyone.append(clients[namespace])
    calls[namespace] = (url, namespace, options)
    await open_(namespace)


async def open_(namespace="/"):
    client, (url, namespace, options) = clients[namespace], calls[namespace]
    if options.get("query"):
        url += "?" + urlencode(options["query"])
    try:
        await call(client, url, namespace, options)
    except socketio.exceptions.ConnectionError:
        if client not in refused:  # else the application knows
            raise


async def call(client, url, namespace, options):
    auth, counter = options.get("auth"), itertools.count(1)
    by_function = "$function" in (auth or {})
    await run(
        client.connect,
        url,
        headers=options.get("extraHeaders", {}),
        auth=(lambda: {"count": next(counter)}) if by_function else auth,
        transports=options.get("transports"),
        namespaces=[namespace],
        socketio_path=options.get("path", "socket.io"),
        wait_timeout=options.get("timeout", 1000) / 1000,
    )


async def emit(event, args, namespace="/", ack=None):
    def on_ack(*answer):
        see("acked", namespace=namespace, ack=ack, args=pack(list(answer)), error=None)

    callback = on_ack if ack else None
    emitting = clients[namespace].emit
    await run(emitting, event, tuple(unpack(args)), namespace=namespace, callback=callback)


async def disconnect(namespace="/"):
    await run(clients[namespace].disconnect)


async def ack():
    while waiting:
        waiting.pop().set()


async def reset():
    await ack()
    for task in [*tasks]:
        if task is not asyncio.current_task():
            task.cancel()
    for client in everyone:
        client.handlers.clear()
        with contextlib.suppress(Exception):
            await asyncio.wait_for(run(client.shutdown), 2)
        with contextlib.suppress(Exception):
            await asyncio.wait_for(run(client.eio.disconnect, abort=True), 1)
    everyone.clear()
    refused.clear()
    clients.clear()
    see("reset")


COMMANDS = {"connect": connect, "open": open_, "emit": emit, "disconnect": disconnect, "reset": reset}
COMMANDS["ack"] = ack


async def obey(what, command, fields):
    try:
        await command(**fields)
    except Exception as error:
        see("threw", do=what, message=f"{type(error).__name__}: {error}")


async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: see("unhandled", message=str(context.get("exception"))))
    threading.excepthook = lambda args: see("unhandled", message=str(args.exc_value))
    reader = asyncio.StreamReader(limit=2**26)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    features = ["polling", "websocket", "upgrade", "reconnection", "namespaces", "auth", "ack_in", "ack_out"]
    features += ["binary", "connect_error_data", "id", "throw", "wait", "auth_function", "path"]
    features += ["query", "headers", "headers_websocket", "cookies", "timestamp_requests", "tls"]
    name = "python-socketio-sync-client" if SYNC else "python-socketio-client"
    version, engine = map(importlib.metadata.version, ("python-socketio", "python-engineio"))
    versions = {"python-engineio": engine}
    see("hello", client=name, version=version, versions=versions, features=features)
    while line := await reader.readline():
        fields = json.loads(line)
        what = fields.pop("do")
        if what not in COMMANDS:
            see("unknown", do=what)
            continue
        if what == "emit":  # in order
            await obey(what, emit, fields)
            continue
        task = loop.create_task(obey(what, COMMANDS[what], fields))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
