"""When a call of a task goes on: at once, unless somebody has to hear of something before it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event

from sioprobe.engine import Engine, Kind, SwarmError
from sioprobe.users.client import UserClient
from sioprobe.users.handlers import Handlers
from sioprobe.users.settings import UserSettings


class Caller:
    """A user whose calls are answered by hand. `heard` is what its greenlets did, in their order."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.acks: list[Any] = []
        self.client = UserClient(UserSettings(), Engine(), self.heard.append)
        self.connection: Any = SimpleNamespace(
            closed=False, namespaces={"/": "id"}, emit=lambda *args, ack, **_: self.acks.append(ack)
        )
        self.client.connection = self.connection
        self.greenlet = gevent.spawn(self.call)
        gevent.idle()

    def call(self) -> None:
        try:
            self.heard.append(self.client.answer_of("ask", (), "/", 5.0, None))
        except SwarmError as error:
            self.heard.append(error.kind)

    def on_hub(self, *steps: Callable[[], Any]) -> None:
        """Do all this in one callback of the hub, where the engine reads, and let the greenlets end."""

        done = Event()

        def do_all() -> None:
            for step in steps:
                step()
            done.set()

        gevent.get_hub().loop.run_callback(do_all)
        assert done.wait(20)
        self.greenlet.join(20)

    def answer(self) -> None:
        self.acks.pop()([1], None)

    def note(self, what: str) -> Callable[[], None]:
        """Something to do, which then is in `heard`."""
        return lambda: self.heard.append(what)


def test_a_call_goes_on_while_its_answer_is_read() -> None:
    caller = Caller()

    caller.on_hub(caller.answer, caller.note("read"))

    assert caller.heard == [[1], "read"]
    assert caller.client.waited


def test_a_handler_runs_before_a_call_whose_ack_came_later() -> None:
    caller = Caller()

    caller.client.handlers.handle("news", caller.note("handler"), "/")
    caller.on_hub(
        lambda: caller.client.event(caller.connection, "/", "news", [], None),
        caller.answer,
        caller.note("read"),
    )

    assert caller.heard == ["read", "handler", [1]]


@pytest.mark.parametrize("kind", [Kind.TIMEOUT, Kind.LEFT])
def test_everybody_hears_of_a_failure_before_the_call_goes_on(kind: str) -> None:
    caller = Caller()

    caller.on_hub(lambda: caller.acks.pop()(None, SwarmError(kind)), caller.note("told"))

    assert caller.heard == ["told", kind]


def test_the_answer_to_a_call_that_was_ended_wakes_nobody() -> None:
    caller = Caller()

    caller.greenlet.kill()
    caller.on_hub(caller.answer, caller.note("read"))

    assert caller.heard == ["read"]


async def awaited() -> None:
    """No handler: nobody awaits it."""


@pytest.mark.parametrize(
    ("handler", "line"),
    [
        (None, "the handler of 'chat' is NoneType, not a function: give it without ()"),
        (awaited, "the handler of 'chat' is async, and nobody would await it: write def"),
    ],
)
def test_what_would_never_run_is_no_handler(handler: Any, line: str) -> None:
    with pytest.raises(TypeError) as caught:
        Handlers(lambda error: None).handle("chat", handler, "/")

    assert str(caught.value) == line
