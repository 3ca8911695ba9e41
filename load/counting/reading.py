"""Reads what a counted server wrote: totals, calls of each function, allocations."""

from __future__ import annotations

import contextlib
import mmap
import re
from collections import Counter
from pathlib import Path

__all__ = ["CallCounts", "read_mallocs", "short_place"]

HEAD = 64
WAYS = {1: "hooks in C", 2: "sys.monitoring", 3: "sys.setprofile"}

Function = tuple[str, str]
"""Its qualified name, and its file and line (C for one written in C)."""


def short_place(place: str, folder: str | None) -> str:
    """A file that two installations have in common: from site-packages, the standard library, or `folder`."""
    found = re.search(r"/(?:site-packages|dist-packages|lib/python3\.\d+)/(?!site-packages/)", place)
    if found:
        return place[found.end() :]
    return place.removeprefix(folder.rstrip("/") + "/") if folder else place


class CallCounts:
    """The files of all processes that count into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def way(self) -> str | None:
        """How it counts; None where no Python process does."""
        for path in self._folder.glob("*.counts"):
            numbers = _numbers(path)
            return WAYS.get(numbers[3]) if len(numbers) > 3 else None
        return None

    def read(self) -> tuple[list[int], Counter[Function]]:
        """Calls, calls of C functions and bytecodes of all processes; and the calls of each function."""
        totals, functions = [0, 0, 0], Counter[Function]()
        for path in self._folder.glob("*.counts"):
            numbers = _numbers(path)
            totals = [total + number for total, number in zip(totals, numbers, strict=False)]
            lines = path.with_suffix(".names").read_text("utf-8", "replace").split("\n")[:-1]
            for line in lines:
                number, name, place = line.split("\t", 2)
                functions[name, place] += numbers[HEAD + int(number)]
        return totals, functions


def _numbers(path: Path) -> list[int]:
    with (
        contextlib.suppress(OSError, ValueError),
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        memoryview(mapped) as view,
    ):
        return view.cast("q").tolist()
    return []


def read_mallocs(path: Path) -> list[int]:
    """Allocations and their bytes, of the file that the preloaded library counts into."""
    data = path.read_bytes()[:16]
    return [int.from_bytes(data[:8], "little"), int.from_bytes(data[8:], "little")]
