"""Which session ids can be foretold. The ids are those of real libraries, and those of careless ones."""

from __future__ import annotations

import base64
import random
import uuid
from collections.abc import Callable

import pytest

from conformance.cases.foretelling import follows_from_order

NUMBER = 200
START = 1_764_404_625_123_456_789  # nanoseconds of the clock
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"

# A random source and the number of the id, to the id. Handshakes are some milliseconds apart.
Maker = Callable[[random.Random, int], str]


def clock(chance: random.Random, number: int) -> int:
    return START + number * 5_000_000 + chance.randrange(4_000_000)


def in_base_36(number: int) -> str:
    return "" if number == 0 else in_base_36(number // 36) + BASE36[number % 36]


def uuid7(chance: random.Random, number: int) -> str:
    return f"{clock(chance, number) // 1_000_000:012x}7{chance.getrandbits(76):019x}"


def mongo(chance: random.Random, number: int) -> str:
    return f"{clock(chance, number) // 10**9:08x}a1b2c3d4e5{0x4F00 + number:06x}"


def characters(length: int, alphabet: str = BASE36) -> Maker:
    return lambda chance, _: "".join(chance.choices(alphabet, k=length))


RANDOM: dict[str, Maker] = {
    "63 bits in 11 characters": lambda chance, _: base64.urlsafe_b64encode(chance.randbytes(8))[:11].decode(),
    "six characters": characters(6),
    "eight digits": characters(8, "0123456789"),
    "python-engineio: a counter behind twelve bytes": lambda chance, number: base64.urlsafe_b64encode(
        chance.randbytes(12) + number.to_bytes(3, "big")
    ).decode(),
    "a counter in front": lambda chance, number: f"{number}-{chance.getrandbits(64):016x}",
    "uuid 4": lambda chance, _: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
    "uuid 7": uuid7,
    "characters of no alphabet": characters(8, "äöü!$%&/"),
}
FORETOLD: dict[str, Maker] = {
    "1, 10, 100": lambda _, number: f"s1{'' if number == 0 else number}",
    "a number": lambda _, number: str(number + 95),
    "a padded number": lambda _, number: f"session-{number:012d}",
    "down": lambda _, number: f"{5000 - number}.sid",
    "in steps of 16": lambda _, number: f"{number * 16:x}",
    "base 64": lambda _, number: base64.urlsafe_b64encode((number + 70).to_bytes(15, "big")).decode(),
    "the last digit first": lambda _, number: f"{1000 + number}"[::-1],
    "milliseconds": lambda chance, number: in_base_36(clock(chance, number) // 1_000_000),
    "nanoseconds": lambda chance, number: str(clock(chance, number)),
    "the clock and three random digits": lambda chance, number: (
        f"{clock(chance, number) // 1000}{chance.randrange(1000):03}"
    ),
    "MongoDB": mongo,
}


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("seed", range(20))
def test_random_ids_are_not_foretold(name: str, seed: int) -> None:
    chance = random.Random(seed)
    assert not follows_from_order([RANDOM[name](chance, number) for number in range(NUMBER)])


@pytest.mark.parametrize("name", FORETOLD)
@pytest.mark.parametrize("at_once", [1, 20])
def test_ids_that_follow_from_others_are(name: str, at_once: int) -> None:
    """Also where several came at the same time, and their order is not that of the server."""
    chance = random.Random(1)
    ids = [FORETOLD[name](chance, number) for number in range(NUMBER)]
    for start in range(0, NUMBER, at_once):
        group = ids[start : start + at_once]
        chance.shuffle(group)
        ids[start : start + at_once] = group

    assert follows_from_order(ids)


def test_ids_that_are_all_the_same_follow_from_nothing() -> None:
    assert not follows_from_order(["same"] * 5)
