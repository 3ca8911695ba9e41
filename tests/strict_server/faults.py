"""The faults: each makes the server break exactly one requirement, and nothing else.

They stand in faults.toml, under the id that the requirement has in the conformance catalogue.
To add one, write its line there and ask `faults("its-name")` where the server behaves.
One test finds lines that nothing asks for, another finds faults that no peer could notice.
"""

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path

# Of the faults that break a requirement of Engine.IO 3 or Socket.IO 4.
PREFIX_3 = "eio3-"


class UnknownFault(ValueError):
    """No fault has that name."""

    def __init__(self, name: str) -> None:
        nearest = difflib.get_close_matches(name, BY_NAME, n=1, cutoff=0.0)
        super().__init__(f"unknown fault {name!r}; the nearest is {nearest[0]!r}")


@dataclass(frozen=True, slots=True)
class Fault:
    """`requirement` is broken when the fault is on; `breaks` says how, as a clause."""

    name: str
    requirement: str
    breaks: str


class Faults:
    """The switch of one server: at most one fault is on. Raises UnknownFault."""

    def __init__(self, active: str | None = None) -> None:
        if active is not None and active not in BY_NAME:
            raise UnknownFault(active)
        self._active = active

    def __call__(self, name: str) -> bool:
        # What both revisions share asks for the faults of either.
        if name not in BY_NAME and f"{PREFIX_3}{name}" not in BY_NAME:
            raise UnknownFault(name)
        return name == self._active


class FaultsOfRevision3(Faults):
    """As the sessions of Engine.IO 3 see the switch: `x` is on when the fault `eio3-x` is.

    So one place of the server, asking for one name, breaks a requirement of either revision.
    """

    def __call__(self, name: str) -> bool:
        super().__call__(name)
        return self._active == f"{PREFIX_3}{name}"


class FaultsOfEither(Faults):
    """As the application sees it, which serves the sessions of both revisions."""

    def __call__(self, name: str) -> bool:
        return super().__call__(name) or self._active == f"{PREFIX_3}{name}"


def read_faults(text: str) -> tuple[Fault, ...]:
    """The faults of a TOML text, in its order. Raises ValueError when a name stands there twice."""
    faults = [
        Fault(name, requirement, breaks)
        for requirement, table in tomllib.loads(text).items()
        for name, breaks in table.items()
    ]
    names = [fault.name for fault in faults]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"fault {name!r} stands there twice")
    return tuple(faults)


FAULTS = read_faults(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
BY_NAME = {fault.name: fault for fault in FAULTS}
