"""A request over a connection of its own, and the answer, read strictly."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass

from tests.strict_client.faults import Faults
from tests.strict_client.origin import Origin

__all__ = ["Answer", "Broken", "request"]


class Broken(Exception):
    """No whole answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


async def request(
    origin: Origin, method: str, target: str, faults: Faults, body: bytes = b"", type_: str | None = None
) -> Answer:
    """Raises Broken if the connection ends before the answer is whole, or if that is no HTTP."""
    try:
        reader, writer = await origin.connect()
    except OSError as error:
        raise Broken(str(error)) from None
    try:
        lines = [f"{method} {target} HTTP/1.1", *origin.headers(websocket=False), "Accept-Encoding: gzip"]
        if method == "POST":
            lines += [f"Content-Type: {type_}", f"Content-Length: {len(body)}"]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        answer = await _answer(reader, faults)
        origin.keep(answer.headers.get("set-cookie"))
        return answer
    except (OSError, ValueError, asyncio.IncompleteReadError) as error:
        raise Broken(f"{type(error).__name__} {error}") from None
    finally:
        writer.transport.abort()


async def _answer(reader: asyncio.StreamReader, faults: Faults) -> Answer:
    if faults("answer-is-one-read"):
        await reader.read(1)
        head, _, body = (b"H" + await reader.read(65536)).partition(b"\r\n\r\n")
    else:
        head, body = (await reader.readuntil(b"\r\n\r\n"))[:-4], None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = int(first.split(" ")[1])
    if headers.get("transfer-encoding") == "chunked" and not faults("chunked-is-not-read"):
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    elif body is None and faults("half-an-answer-is-read"):
        body = b""
        while more := await reader.read(65536):
            body += more
            if len(body) >= int(headers.get("content-length", "0")):
                break
    elif body is None:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    if headers.get("content-encoding") == "gzip" and not faults("gzip-is-not-read"):
        body = gzip.decompress(body)
    return Answer(status, headers, body)
