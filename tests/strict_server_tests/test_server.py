"""Clients and libraries that others wrote, as peers of the strict server."""

import asyncio
import http.client
import json
import queue
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import engineio
import pytest
import socketio
import websockets

from tests.strict_server.server import StrictServer

# A crowded machine may take long; nothing waits this long on purpose.
DEADLINE = 40.0
TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]]


def with_server(talk: Callable[[str], Awaitable[None] | None], **config: Any) -> None:
    """Run `talk(url)` against a server: in the server's loop when it is async, else in a thread."""

    async def run() -> None:
        async with StrictServer(**config) as server:
            if asyncio.iscoroutinefunction(talk):
                async with asyncio.timeout(DEADLINE):
                    await talk(server.url)
            else:
                await asyncio.to_thread(talk, server.url)

    asyncio.run(run())


class InOrder(engineio.Client):  # type: ignore[misc]
    """Handles one message after the other: its own threads, one for each message, may overtake each other."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._messages: queue.Queue[tuple[Any, ...]] = queue.Queue()
        threading.Thread(target=self._handle_messages, daemon=True).start()

    def _handle_messages(self) -> None:
        while True:
            arguments = self._messages.get()
            self.handlers["message"](*arguments)

    def _trigger_event(self, event: str, *arguments: Any, **named: Any) -> Any:
        if event == "message":
            return self._messages.put(arguments)
        return super()._trigger_event(event, *arguments, **named)


class Client(socketio.Client):  # type: ignore[misc]
    def _engineio_client_class(self) -> type[engineio.Client]:
        return InOrder


class Peer:
    """An official-like client (python-socketio) whose events can be waited for."""

    def __init__(
        self, url: str, transports: list[str], namespaces: list[str] | None = None, auth: Any = None
    ) -> None:
        self.client = Client(reconnection=False)
        self._events: queue.Queue[tuple[Any, ...]] = queue.Queue()
        for namespace in namespaces or ["/"]:
            self.client.on("*", self._take, namespace=namespace)
            self.client.on("disconnect", partial(self._take_disconnect, namespace), namespace=namespace)
        self.client.connect(
            url, transports=transports, namespaces=namespaces, auth=auth, wait_timeout=DEADLINE
        )

    def _take(self, event: str, *args: Any) -> Any:
        self._events.put((event, *args))
        return "answer" if event == "question" else None

    def _take_disconnect(self, namespace: str, reason: str) -> None:
        self._events.put(("disconnect", namespace))

    def next_event(self) -> tuple[Any, ...]:
        return self._events.get(timeout=DEADLINE)

    def call(self, event: str, data: Any = None, namespace: str = "/") -> Any:
        return self.client.call(event, data, namespace=namespace, timeout=DEADLINE)

    def close(self) -> None:
        self.client.disconnect()


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
def test_python_socketio_connects_echoes_and_acks(transports: list[str]) -> None:
    def talk(url: str) -> None:
        peer = Peer(url, transports, auth={"token": "x"})
        try:
            assert peer.client.transport() == transports[-1]
            assert peer.next_event() == ("auth", {"token": "x"})
            peer.client.emit("message", (1, "é€", {"deep": [b"\x01\x02", None]}))
            assert peer.next_event() == ("message-back", 1, "é€", {"deep": [b"\x01\x02", None]})
            assert peer.call("message-with-ack", ("a", b"\x00\xff")) == ("a", b"\x00\xff")
        finally:
            peer.close()

    with_server(talk)


@pytest.mark.parametrize("transports", TRANSPORTS, ids="+".join)
def test_python_socketio_meets_others_in_rooms(transports: list[str]) -> None:
    def talk(url: str) -> None:
        sender, member, outside = (Peer(url, transports) for _ in range(3))
        try:
            for peer in (sender, member, outside):
                assert peer.next_event() == ("auth", {})
            assert member.call("join", "b") == ["b"]
            assert member.call("join", "a") == ["a", "b"]
            assert sender.call("join", "a") == ["a"]

            sender.client.emit("to", ("a", "e", 1))
            sender.client.emit("in", ("a", "e", 2))
            sender.client.emit("broadcast", ("e", 3))
            sender.client.emit("all", ("e", 4))

            assert [member.next_event() for _ in range(4)] == [("e", number) for number in (1, 2, 3, 4)]
            assert [sender.next_event() for _ in range(2)] == [("e", 2), ("e", 4)]
            assert [outside.next_event() for _ in range(2)] == [("e", 3), ("e", 4)]
            assert member.call("leave", "a") == ["b"]
        finally:
            for peer in (sender, member, outside):
                peer.close()

    with_server(talk)


def test_python_socketio_is_asked_and_kicked() -> None:
    def talk(url: str) -> None:
        peer = Peer(url, ["websocket"], ["/", "/custom"])
        try:
            assert [peer.next_event() for _ in range(2)] == [("auth", {}), ("auth", {})]
            peer.client.emit("ask", ("question", 1))
            assert peer.next_event() == ("question", 1)
            assert peer.next_event() == ("asked", "answer")
            peer.client.emit("kick", namespace="/custom")
            assert peer.next_event() == ("disconnect", "/custom")
            assert peer.call("message-with-ack", "still here") == "still here"
            peer.client.emit("kick-all")
            assert peer.next_event() == ("disconnect", "/")
        finally:
            peer.close()

    with_server(talk)


def test_python_socketio_is_refused() -> None:
    def talk(url: str) -> None:
        for namespace in ("/reject", "/nowhere"):
            with pytest.raises(socketio.exceptions.ConnectionError):
                Peer(url, ["websocket"], [namespace])

    with_server(talk)


def test_the_heartbeat_keeps_a_client_of_others_alive() -> None:
    def talk(url: str) -> None:
        peer = Peer(url, ["polling"])
        pings = queue.Queue[str]()
        peer.client.eio.logger.info = lambda text, *args: pings.put(text % args)
        try:
            seen = 0
            while seen < 3:
                seen += "Received packet PING" in pings.get(timeout=DEADLINE)
            assert peer.call("message-with-ack", "x") == "x"
        finally:
            peer.close()

    with_server(talk, ping_interval=0.2, ping_timeout=5.0)


def test_websockets_closes_a_session_with_a_handshake_of_its_own() -> None:
    async def talk(url: str) -> None:
        address = f"ws{url.removeprefix('http')}/socket.io/?EIO=4&transport=websocket"
        async with websockets.connect(address) as peer:
            assert json.loads(str(await peer.recv())[1:])["upgrades"] == []
            await (await peer.ping(b"x"))
            await peer.send("40")
            assert str(await peer.recv()).startswith("40{")
            assert await peer.recv() == '42["auth",{}]'
            await peer.send(['42["mess', 'age",', f'"{"x" * 70_000}"]'])
            assert await peer.recv() == f'42["message-back","{"x" * 70_000}"]'
        assert peer.close_code == 1000

    with_server(talk)


def test_websockets_is_closed_by_the_server() -> None:
    async def talk(url: str) -> None:
        address = f"ws{url.removeprefix('http')}/socket.io/?EIO=4&transport=websocket"
        async with websockets.connect(address) as peer:
            await peer.recv()
            await peer.send("47")
            with pytest.raises(websockets.ConnectionClosed):
                await peer.recv()

    with_server(talk)


def test_the_standard_library_s_http_client_polls() -> None:
    def talk(url: str) -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=DEADLINE)
        connection.request("GET", "/socket.io/?EIO=4&transport=polling")
        sid = json.loads(connection.getresponse().read()[1:])["sid"]
        query = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
        # An iterable body goes out chunked.
        connection.request("POST", query, body=iter([b"4", b"0"]), headers={"Content-Type": "text/plain"})
        assert connection.getresponse().read() == b"ok"
        connection.request("GET", query)
        assert connection.getresponse().read().startswith(b"40{")
        connection.request("HEAD", query)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (400, b"")
        connection.request("GET", "/about")
        assert json.loads(connection.getresponse().read())["mode"] == "strict"
        connection.close()

    with_server(talk)


def test_jsonp_carries_a_session() -> None:
    def talk(url: str) -> None:
        def fetch(query: str, body: str | None = None) -> str:
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=DEADLINE)
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request(
                "GET" if body is None else "POST",
                f"/socket.io/?EIO=4&transport=polling{query}",
                body,
                headers,
            )
            with connection.getresponse() as answer:
                return answer.read().decode()

        opened = fetch("&j=0")
        assert opened.startswith('___eio[0]("0{')
        sid = json.loads(json.loads(opened[len("___eio[0](") : -len(");")])[1:])["sid"]
        assert fetch(f"&j=1&sid={sid}", "d=40") == "ok"
        assert fetch(f"&j=2&sid={sid}").startswith('___eio[2]("40{')
        # A line feed in the data is escaped twice on its way through a form.
        assert fetch(f"&j=3&sid={sid}", urlencode({"d": '42["message","a\\\\nb"]'})) == "ok"
        assert (
            json.loads(fetch(f"&j=4&sid={sid}")[len("___eio[4](") : -len(");")])
            == '42["message-back","a\\nb"]'
        )

    with_server(talk)


def test_stopping_closes_every_client() -> None:
    async def stop() -> None:
        server = StrictServer()
        await server.start()
        address = f"ws{server.url.removeprefix('http')}/socket.io/?EIO=4&transport=websocket"
        async with websockets.connect(address) as peer:
            await peer.recv()
            await server.stop()
            with pytest.raises(websockets.ConnectionClosed):
                await asyncio.wait_for(peer.recv(), DEADLINE)
        assert server.sessions == {}

    asyncio.run(stop())


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"GET /socket.io/ HTTP/1.1\r\n\r\n",
        b"GET /socket.io/ HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
        b"POST /socket.io/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /socket.io/ HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 200_000,
    ],
)
def test_what_is_not_http_is_answered_400_and_closed(request_bytes: bytes) -> None:
    async def talk(url: str) -> None:
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(request_bytes)
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 400 ")
        writer.close()

    with_server(talk)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x91\x80\x00\x00\x00\x00",
        b"\x83\x80\x00\x00\x00\x00",
        b"\x80\x80\x00\x00\x00\x00",
        b"\x09\x80\x00\x00\x00\x00",
        b"\x89\xfe\x00\x7e\x00\x00\x00\x00",
        b"\x81\xfe\x00\x01\x00\x00\x00\x003",
        b"\x88\x81\x00\x00\x00\x00\x03",
        b"\x88\x82\x00\x00\x00\x00\x03\xed",
    ],
    ids=[
        "reserved bit",
        "reserved opcode",
        "continuation of nothing",
        "fragmented ping",
        "long ping",
        "length not in its shortest form",
        "close of one byte",
        "close code that must not be sent",
    ],
)
def test_what_breaks_the_websocket_rfc_is_closed_with_1002(frame: bytes) -> None:
    async def talk(url: str) -> None:
        address = f"ws{url.removeprefix('http')}/socket.io/?EIO=4&transport=websocket"
        async with websockets.connect(address) as peer:
            await peer.recv()
            peer.transport.write(frame)
            with pytest.raises(websockets.ConnectionClosed):
                await peer.recv()
            assert peer.close_code == 1002

    with_server(talk)
