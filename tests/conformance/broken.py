"""A real reference with one break, a server or a client: which breaks there are, and what the cases say."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from conformance.verdicts import Verdict
from tests.conformance.mutation import Answered
from tests.reference_breaks.registry import Break

TRIES = 3  # of a case that fails on the unbroken reference
BROKEN = (Verdict.FAIL, Verdict.NON_STRICT, Verdict.INFO)


@dataclass(slots=True)
class Judged:
    """What the cases say of one break. `noticed`: what said so twice, at most one."""

    entry: Break
    answered: list[Answered]
    noticed: list[Answered] = field(default_factory=list)

    @property
    def fails(self) -> bool:
        """Whether what was noticed makes a run fail, or is only reported."""
        return any(item.outcome.judgement.verdict is Verdict.FAIL for item in self.noticed)

    def __str__(self) -> str:
        seen = [str(item) for item in self.answered if item.outcome.judgement.verdict is not Verdict.PASS]
        return f"{self.entry.name} ({', '.join(self.entry.requirements)}): {seen or 'all pass'}"


def printed_by(program: Path) -> tuple[dict[str, Break], frozenset[str]]:
    """The breaks that a program in JavaScript prints, and the names of those that it calls the first."""
    listed = subprocess.run(["node", str(program)], capture_output=True, text=True, check=True, timeout=60)
    entries = json.loads(listed.stdout)
    breaks = {
        name: Break(name, entry["breaks"], tuple(entry["requirements"])) for name, entry in entries.items()
    }
    return breaks, frozenset(name for name, entry in entries.items() if entry.get("first"))
