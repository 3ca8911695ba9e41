"""Each fault is a line of the registry and is asked for in the server; probes show what some of them mean."""

import ast
import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

import tests.strict_server
from tests.standstill import undisturbed
from tests.strict_server.faults import FAULTS, PREFIX_3, Faults, UnknownFault, read_faults
from tests.strict_server.server import StrictServer
from tests.strict_server_tests.peers import DEADLINE, patience
from tests.strict_server_tests.probes import Probe, all_probes

PACKAGE = Path(next(iter(tests.strict_server.__path__)))
PROBES = all_probes()
each_probe = pytest.mark.parametrize(
    "number", range(len(PROBES)), ids=lambda number: f"{PROBES[number].requirement}-{number}"
)
# So many servers at once keep two cores busy without making the short deadlines of the probes too short.
AT_ONCE = 48
# A probe's own waits end sooner; this one only keeps a broken server from holding the whole run.
PROBE_DEADLINE = 60.0

Seen = list[Any]
T = TypeVar("T")


async def see(probe: Probe, fault: str | None) -> Seen:
    """What the probe sees of a fresh server; a peer that cannot go on has seen that."""
    if fault is None:
        patience.set(DEADLINE)
    async with StrictServer(fault, **probe.config) as server:
        try:
            async with asyncio.timeout(PROBE_DEADLINE):
                return await probe.see(server.url)
        except Exception as error:
            return [f"{type(error).__name__}: {error}"]


def gather(jobs: list[Callable[[], Awaitable[T]]]) -> list[T]:
    async def run() -> list[T]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(job: Callable[[], Awaitable[T]]) -> T:
            async with gate:
                return await job()

        return await asyncio.gather(*(one(job) for job in jobs))

    return asyncio.run(run())


@pytest.fixture(scope="module")
def faultless() -> list[Seen]:
    """What each probe sees of a server without a fault, in the order of PROBES."""
    return gather([lambda probe=probe: see(probe, None) for probe in PROBES])  # type: ignore[misc]


async def first_noticed(probe: Probe) -> str | None:
    """The first fault of its requirement that changes what the probe sees."""
    for fault in FAULTS:
        if fault.requirement == probe.requirement and await see(probe, fault.name) != probe.expected:
            return fault.name
    return None


@pytest.fixture(scope="module")
def noticed() -> list[str | None]:
    """For each probe a fault that it notices, in the order of PROBES."""
    return gather([lambda probe=probe: first_noticed(probe) for probe in PROBES])  # type: ignore[misc]


@each_probe
def test_the_faultless_server_conforms(number: int, faultless: list[Seen]) -> None:
    probe, seen = PROBES[number], faultless[number]
    if seen != probe.expected:
        # The short times of a probe may be too short for a crowded machine: ask again, alone.
        seen = undisturbed(lambda: asyncio.run(see(probe, None)))
    assert seen == probe.expected


@each_probe
def test_a_probe_notices_a_fault_of_its_requirement(number: int, noticed: list[str | None]) -> None:
    # On a crowded machine what comes too early may come just in time: ask again, alone.
    assert noticed[number] or undisturbed(lambda: asyncio.run(first_noticed(PROBES[number])))


def test_each_area_of_the_catalogue_has_a_probe() -> None:
    assert {area(fault.requirement) for fault in FAULTS} == {area(probe.requirement) for probe in PROBES}


def area(requirement: str) -> str:
    """`EIO-HS` of `EIO-HS-01`."""
    return requirement.rpartition("-")[0]


def test_there_are_many_faults_and_each_name_is_unique() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names)) >= 70


def test_a_name_under_two_requirements_is_refused() -> None:
    with pytest.raises(ValueError, match="'a'"):
        read_faults('[EIO-HS-01]\na = "x"\n[EIO-HS-02]\na = "y"\n')


def test_each_fault_names_a_requirement_and_says_what_it_breaks() -> None:
    for fault in FAULTS:
        assert re.fullmatch(r"(EIO|SIO)-[A-Z]{2}-\d{2}|(EIO3|SIO3|SIO4)-\d{2}", fault.requirement), fault
        assert fault.name.startswith(PREFIX_3) == ("-" not in fault.requirement[:4]), fault
        assert re.fullmatch(r"[a-z0-9-]+", fault.name), fault
        assert len(fault.breaks) > 10, fault
        assert not fault.breaks.endswith("."), fault


def test_each_fault_is_asked_for_in_the_server() -> None:
    texts = {
        node.value
        for path in PACKAGE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    # A session of revision 3 asks for the name without its prefix.
    assert [fault.name for fault in FAULTS if fault.name.removeprefix(PREFIX_3) not in texts] == []


def test_an_unknown_fault_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownFault, match=r"unknown fault 'never-ping'; the nearest is 'never-pings'"):
        StrictServer("never-ping")
    with pytest.raises(UnknownFault):
        Faults()("a-name-misspelt-in-the-server")


def test_the_server_shares_no_code_with_what_it_is_to_prove() -> None:
    """The standard library and its own package, nothing else."""
    allowed = {"tests.strict_server"} | sys.stdlib_module_names
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "."]
            for name in names:
                root = ".".join(name.split(".")[:2]) if name.startswith("tests.") else name.split(".")[0]
                assert root in allowed, f"{path.name} imports {name}"
