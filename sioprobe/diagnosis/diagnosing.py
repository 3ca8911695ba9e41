"""Which questions are asked, in which order, and what their answers mean."""

from __future__ import annotations

from sioprobe.diagnosis.answers import Lack, Nothing, Redact, Reply
from sioprobe.diagnosis.asking import Asker, Clock, Headers, OutOfTime
from sioprobe.diagnosis.causes import SENTENCES, Cause, Diagnosis
from sioprobe.diagnosis.sessions import (
    Found,
    open_of,
    open_of_message,
    over_polling,
    over_websocket,
    scattered,
)
from sioprobe.diagnosis.streams import WebSocket
from sioprobe.diagnosis.visit import Visit
from sioprobe.wire import OpenData
from sioprobe.wire.cookies import Cookies
from sioprobe.wire.endpoint import DEFAULT_PATH, endpoint_path

__all__ = ["QUESTION_SECONDS", "diagnose", "diagnose_scattering"]

SECONDS = 10.0
SCATTERING_SECONDS = 2.0
QUESTION_SECONDS = 3.0

UNAUTHORIZED = (401, 403, 407)
NOT_THERE = (404, 405, 410)

_OF_LACKS = {
    Lack.UNKNOWN_HOST: Cause.UNKNOWN_HOST,
    Lack.REFUSED: Cause.NOTHING_LISTENS,
    Lack.UNREACHABLE: Cause.UNREACHABLE,
    Lack.UNTRUSTED: Cause.UNTRUSTED,
    Lack.NO_TLS: Cause.TLS_FAILED,
    Lack.SILENT: Cause.SILENT,
    Lack.CLOSED: Cause.CLOSES,
    Lack.NO_HTTP: Cause.NO_HTTP,
}


def diagnose(
    visit: Visit,
    *,
    seconds: float = SECONDS,
    question_seconds: float = QUESTION_SECONDS,
    redact: Redact = str,
) -> Diagnosis | None:
    """Why the client of a visit is not let in, or None if the server lets it in this time.

    Blocks for `seconds` at most, and `question_seconds` for each question. A server may repeat secrets, so
    `redact` removes them from its words.
    """
    looking = _Looking(Asker(visit, Clock(seconds, question_seconds), redact))
    try:
        found = looking.find()
    except OutOfTime:
        found = looking.so_far
    return None if found is None else _told(found, visit, redact)


def diagnose_scattering(visit: Visit, *, redact: Redact = str) -> Diagnosis | None:
    """Cause.PROCESSES if processes that share no sessions answer a visit over polling, else None.

    All requests of one visit may go to the right process by chance. A dozen more do so in one of 4,000, and
    cost a server some milliseconds. Blocks for `SCATTERING_SECONDS` at most.
    """
    try:
        found = scattered(Asker(visit, Clock(SCATTERING_SECONDS, QUESTION_SECONDS), redact))
    except OutOfTime:
        return None
    return None if found is None else _told(found, visit, redact)


def _told(found: Found, visit: Visit, redact: Redact) -> Diagnosis:
    words = SENTENCES[found.cause].format(
        url=visit.base,
        place=visit.place,
        path=endpoint_path(visit.path),
        seen=redact(found.seen),
        given=found.given,
    )
    return Diagnosis(found.cause, words)


class _Looking:
    """`so_far` is what the questions have shown until now."""

    def __init__(self, asker: Asker) -> None:
        self._ask = asker
        self._visit = asker.visit
        self.so_far = Found(Cause.UNREACHABLE, "there was no time to ask")

    def find(self) -> Found | None:
        """The cause, or None if the client is let in. Raises OutOfTime."""
        cookies = self._visit.new_cookies()
        reply = self._poll(cookies=cookies)
        if isinstance(reply, Nothing):
            return self._without_http(reply)
        opened = open_of(reply)
        if opened is not None:
            self.so_far = Found(Cause.NO_CONNECT, "the questions took too long", self._visit.namespace)
            return self._with_session(opened, cookies)
        self.so_far = _refusal(reply)
        return self._without_session(reply)

    def _poll(
        self,
        *,
        revision: int = 4,
        path: str | None = None,
        headers: Headers | None = None,
        cookies: Cookies | None = None,
        secure: bool | None = None,
    ) -> Reply | Nothing:
        target = self._visit.target("polling", revision=revision, path=path)
        return self._ask.request("GET", target, headers=headers, cookies=cookies, secure=secure)

    # No HTTP

    def _without_http(self, nothing: Nothing) -> Found:
        found = Found(_OF_LACKS[nothing.lack], nothing.detail)
        self.so_far = found
        if self._visit.secure:
            # An alert is of TLS; what cannot be read may be of HTTP.
            unread = nothing.lack is Lack.NO_TLS and "ALERT" not in nothing.detail
            if unread and isinstance(self._poll(secure=False), Reply):
                return Found(Cause.SPEAKS_NO_TLS)
        elif nothing.lack in (Lack.SILENT, Lack.CLOSED, Lack.NO_HTTP) and self._ask.speaks_tls():
            return Found(Cause.SPEAKS_TLS)
        return found

    # A session over polling

    def _with_session(self, opened: OpenData, cookies: Cookies) -> Found | None:
        if self._visit.transport != "websocket":
            return over_polling(self._ask, opened, cookies)
        websocket = self._ask.websocket()
        if isinstance(websocket, WebSocket):
            message = self._ask.first_message(websocket)
            if open_of_message(message) is not None:
                return over_websocket(self._ask, websocket)
            websocket.close()
        offered = "websocket" in opened.upgrades
        proxy = "; it offers an upgrade, so look for a proxy that drops the header Upgrade" if offered else ""
        return over_polling(self._ask, opened, cookies) or Found(Cause.NO_WEBSOCKET, proxy)

    # No session over polling

    def _without_session(self, reply: Reply) -> Found | None:
        if 3 not in self._visit.revisions and open_of(reply, 3) is not None:
            return Found(Cause.OLD_REVISION)
        if reply.status // 100 == 3 and reply.header("location"):
            return Found(Cause.REDIRECT, reply.header("location").partition("?")[0])
        websocket = self._ask.websocket()
        stays_open = False
        if isinstance(websocket, WebSocket):
            message = self._ask.first_message(websocket)
            if open_of_message(message) is not None:
                found = over_websocket(self._ask, websocket)
                only = found is None and self._visit.transport == "polling"
                return Found(Cause.NO_POLLING, str(reply)) if only else found
            stays_open = message is None or isinstance(message, (str, bytes))
            websocket.close()
        found = self._by_origin(reply) or self._by_revision() or self._by_path()
        if found is not None:
            return found
        # Some servers of TLS say so in HTTP. Asked late: others wait for the rest of a request.
        if not self._visit.secure and reply.status == 400 and self._ask.speaks_tls():
            return Found(Cause.SPEAKS_TLS)
        if stays_open and reply.status not in (*NOT_THERE, *UNAUTHORIZED):
            return Found(Cause.OTHER_WEBSOCKET)
        return _refusal(reply)

    def _by_origin(self, reply: Reply) -> Found | None:
        if reply.status not in (400, *UNAUTHORIZED):
            return None
        given = self._visit.given.headers
        others = [(name, value) for name, value in given if name.lower() != "origin"]
        if len(others) < len(given):
            opens = open_of(self._poll(headers=others)) is not None
            return Found(Cause.ORIGIN_REFUSED, str(reply)) if opens else None
        origin = f"{'https' if self._visit.secure else 'http'}://{self._visit.host_header}"
        opens = open_of(self._poll(headers=[*given, ("Origin", origin)])) is not None
        return Found(Cause.ORIGIN_WANTED, str(reply), origin) if opens else None

    def _by_revision(self) -> Found | None:
        if 3 in self._visit.revisions:
            return None
        return Found(Cause.OLD_REVISION) if open_of(self._poll(revision=3), 3) is not None else None

    def _by_path(self) -> Found | None:
        path = endpoint_path(self._visit.path)
        for other in (DEFAULT_PATH, endpoint_path(f"{path}{DEFAULT_PATH.strip('/')}")):
            if other != path and self._opens_at(other):
                return Found(Cause.OTHER_PATH, given=other)
        bare = path.rstrip("/")
        return Found(Cause.NO_FINAL_SLASH, given=bare) if bare and self._opens_at(bare) else None

    def _opens_at(self, path: str) -> bool:
        if open_of(self._poll(path=path)) is not None:
            return True
        if self._visit.transport == "polling":
            return False
        websocket = self._ask.websocket(path=path)
        if not isinstance(websocket, WebSocket):
            return False
        try:
            return open_of_message(self._ask.first_message(websocket)) is not None
        finally:
            websocket.close()


def _refusal(reply: Reply) -> Found:
    """What an answer to a handshake says by itself."""
    if reply.status in UNAUTHORIZED:
        return Found(Cause.LOCKED, str(reply))
    if reply.status in NOT_THERE:
        return Found(Cause.NOT_FOUND, str(reply))
    if reply.status >= 500:
        return Found(Cause.HANDSHAKE_FAILS, str(reply))
    return Found(Cause.HANDSHAKE_REFUSED if reply.status >= 400 else Cause.NO_OPEN, str(reply))
