"""Which acks are taken without the decoder: those that it would take for the same, and no others."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from sioprobe.engine.acks import WaitingAcks
from sioprobe.engine.errors import Kind, SwarmError
from sioprobe.wire import RemoteProtocolError, SocketDecoder

Heard = list[tuple[Any, "SwarmError | None"]]


def waiting_for(*ids: int) -> tuple[WaitingAcks, Heard]:
    """Acks that wait, and what they hear."""
    acks, heard = WaitingAcks(), Heard()
    for ack_id in ids:
        acks.expect(ack_id, lambda values, failure: heard.append((values, failure)), timeout=60)
    return acks, heard


@pytest.mark.parametrize("text", ["31[]", '31["a",null,{"b":[1.5]}]', "31[ 1 ] "])
def test_an_ack_is_what_the_decoder_makes_of_it(text: str) -> None:
    acks, heard = waiting_for(1, 2)

    assert acks.take(text)

    packet = SocketDecoder().decode(text)
    assert packet is not None
    assert heard == [(packet.data, None)]
    assert list(acks.waiting) == ["2"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "3",
            "31",
            "3[]",
            "3/a,1[]",
            "3 1[]",
            "3+1[]",
            "30_1[]",
            "3１[]",
            "3²[]",
            "33[]",
            '31{"a":[]}',
            "312",
        ),
        *("3" + "1" * 17 + "[]", "3" + "1" * 5000 + "[]"),
    ],
)
def test_everything_else_is_left_to_the_decoder(text: str) -> None:
    acks, heard = waiting_for(1, int("1" * 17))

    assert not acks.take(text)
    assert heard == []
    assert len(acks.waiting) == 2


@pytest.mark.parametrize("text", ["31[", "31[NaN]", "31[1]]", "31[" + "[" * 100_000])
def test_broken_data_is_an_error_and_the_ack_waits_on(text: str) -> None:
    acks, heard = waiting_for(1)

    with pytest.raises(RemoteProtocolError):
        acks.take(text)
    assert heard == []
    assert list(acks.waiting) == ["1"]


def test_who_hears_of_a_late_ack_may_end_them_all() -> None:
    acks, heard = waiting_for()
    acks.expect(1, lambda values, failure: heard.append((len(acks.end()), failure)), timeout=0)
    acks.expect(2, lambda values, failure: heard.append((2, failure)), timeout=0)

    acks.check(acks.waiting["2"][1] + 1, partial(SwarmError, Kind.TIMEOUT))

    ((ended, failure),) = heard
    assert ended == 1
    assert failure is not None
    assert failure.kind == Kind.TIMEOUT
