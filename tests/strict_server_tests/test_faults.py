"""Every fault is a line of the registry, is asked for in the server, and changes what a peer sees."""

import ast
import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import tests.strict_server
from tests.standstill import undisturbed
from tests.strict_server.faults import FAULTS, PREFIX_3, Fault, Faults, UnknownFault, read_faults
from tests.strict_server.server import StrictServer
from tests.strict_server_tests.peers import DEADLINE, patience
from tests.strict_server_tests.probes import Probe, all_probes

PACKAGE = Path(next(iter(tests.strict_server.__path__)))
PROBES = all_probes()
# So many servers at once keep two cores busy without making the short deadlines of the probes too short.
AT_ONCE = 48
# A probe's own waits end sooner; this one only keeps a broken server from holding the whole run.
PROBE_DEADLINE = 60.0

Seen = list[Any]


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


def gather(jobs: list[Callable[[], Awaitable[Seen]]]) -> list[Seen]:
    async def run() -> list[Seen]:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(job: Callable[[], Awaitable[Seen]]) -> Seen:
            async with gate:
                return await job()

        return await asyncio.gather(*(one(job) for job in jobs))

    return asyncio.run(run())


@pytest.fixture(scope="module")
def faultless() -> list[Seen]:
    """What each probe sees of a server without a fault, in the order of PROBES."""
    return gather([lambda probe=probe: see(probe, None) for probe in PROBES])  # type: ignore[misc]


async def first_difference(fault: Fault) -> Seen:
    """What the first probe saw that noticed the fault; empty when none did."""
    for probe in PROBES:
        if probe.requirement == fault.requirement:
            seen = await see(probe, fault.name)
            if seen != probe.expected:
                return [probe.see.__name__, seen]
    return []


@pytest.fixture(scope="module")
def noticed() -> dict[str, Seen]:
    """For each fault what the first probe saw that noticed it; faults that no probe noticed are absent."""
    differences = gather([lambda fault=fault: first_difference(fault) for fault in FAULTS])  # type: ignore[misc]
    return {fault.name: seen for fault, seen in zip(FAULTS, differences, strict=True) if seen}


@pytest.mark.parametrize(
    "number", range(len(PROBES)), ids=lambda number: f"{PROBES[number].requirement}-{number}"
)
def test_the_faultless_server_conforms(number: int, faultless: list[Seen]) -> None:
    probe, seen = PROBES[number], faultless[number]
    if seen != probe.expected:
        # The short times of a probe may be too short for a crowded machine: ask again, alone.
        seen = undisturbed(lambda: asyncio.run(see(probe, None)))
    assert seen == probe.expected


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_breaks_its_requirement(fault: Fault, noticed: dict[str, Seen]) -> None:
    seen = noticed.get(fault.name)
    if seen is None:
        # On a crowded machine what comes too early may come just in time: ask again, alone.
        seen = undisturbed(lambda: asyncio.run(first_difference(fault)))
    assert seen, f"no probe of {fault.requirement} noticed that {fault.breaks}"


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
