"""What a run says about known deviations: which apply, and whose would cover its failures."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.version import Version

from conformance.judging.known_deviations import find_deviation, lists, version_of
from conformance.target import Target
from conformance.telling.result_file import Results
from conformance.verdicts import Verdict

__all__ = ["about_software", "suggestion"]

LIKELY_SHARE = 0.5  # of the failures that the entries of an unknown library must cover
MOST_PASSED = 0.1  # of its entries that occur, so many more may not occur


def about_software(target: Target) -> list[str]:
    """How the software of the server was found out, and whether its deviations are listed."""
    lines = []
    if target.found is not None:
        advice = ""
        if _listed(target):
            advice = ": its known deviations apply, unless you give --target-library none"
        elif target.library is None:
            advice = "; if it does, name it with --target-library"
        lines.append(target.found + advice)
    if target.library is not None and not _listed(target):
        tried = dict.fromkeys(one.version for one in lists() if one.library == target.library)
        lacks = _lacks(target.library, target.version)
        lines.append(f"{lacks}, so no known deviation applies; those of {' and '.join(tried)} are listed")
    return lines


def _lacks(library: str, version: str | None) -> str:
    return f"no version of {library} is known" if version is None else f"no entries for {library} {version}"


def _listed(target: Target) -> bool:
    """Whether entries exist for this version of its library."""
    version = version_of(target.version)
    return version is not None and any(
        listed.library == target.library and listed.versions.contains(version, prereleases=True)
        for listed in lists()
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A server that this one may be, and what its entries say about the outcomes."""

    library: str
    version: str
    mode: str | None
    covered: int = 0  # failures that they explain
    occurs: int = 0  # outcomes that they foresee
    passed: int = 0  # passes where they foresee something else

    @property
    def rank(self) -> tuple[int, int, bool]:
        return self.covered, -self.passed, self.mode is None


def suggestion(target: Target, results: Results) -> str | None:
    """A line that names the options under which failures are known deviations; None if there are none."""
    failures = sum(outcome.judgement.verdict is Verdict.FAIL for _, outcome in results)
    if not failures or target.unlisted:
        return None
    judged = [_judged(candidate, target, results) for candidate in _candidates(target)]
    best = max(judged, key=lambda candidate: candidate.rank, default=None)
    if best is None or not best.covered:
        return None
    words = ["--target-library", best.library, "--target-version", best.version]
    options = shlex.join([*words, *(["--target-mode", best.mode] if best.mode else [])])
    share = f"{best.covered} of {failures}" if best.covered < failures else f"all {failures}"
    share = f"{share} failures are known deviations" if failures > 1 else "the failure is a known deviation"
    if target.library is None:
        if best.covered < failures * LIKELY_SHARE or best.passed > best.occurs * MOST_PASSED:
            return None
        return f"{share} of {best.library} {best.version}: if the server is one, give {options}"
    if _listed(target):
        ranked = [one.mode for one in judged if one.rank == best.rank and one.mode]
        return f"{share} of mode {' or '.join(ranked)}: if the server is one, give --target-mode {best.mode}"
    lacks = _lacks(best.library, target.version)
    covers = f"those of {best.version} would cover {best.covered} of {failures} failures"
    return f"{lacks}; {covers}: give {options}"


def _candidates(target: Target) -> Iterator[Candidate]:
    """All that the server may be, as far as it is not known what it is; of a library the newest first."""
    known = _listed(target)
    newest = sorted(lists(), key=lambda listed: Version(listed.version), reverse=True)
    for listed in sorted(newest, key=lambda listed: listed.library):
        if target.library not in (None, listed.library):
            continue
        if known and not listed.versions.contains(str(target.version), prereleases=True):
            continue
        modes = [None, *listed.modes] if target.mode is None else [target.mode]
        for mode in modes:
            if not (listed.borrowed and mode not in listed.modes):
                version = target.version if known and target.version else listed.version
                yield Candidate(listed.library, version, mode)


def _judged(candidate: Candidate, target: Target, results: Results) -> Candidate:
    """The candidate with what its entries say about these outcomes."""
    covered = occurs = passed = 0
    for question, outcome in results:
        entry = find_deviation(
            question.requirement.id,
            question.name,
            question.transport,
            library=candidate.library,
            version=candidate.version,
            mode=candidate.mode,
            switches=target.switches,
            queue=target.queue,
        )
        if entry is None:
            continue
        verdict = outcome.judgement.verdict
        if verdict is Verdict.FAIL:
            known = entry.applied(outcome.judgement, {}).verdict is Verdict.KNOWN_DEVIATION
            covered += known
            occurs += known
        elif verdict in (Verdict.NON_STRICT, Verdict.INFO, Verdict.KNOWN_DEVIATION):
            occurs += 1
        elif verdict is Verdict.PASS and not entry.sometimes:
            passed += 1
    return Candidate(candidate.library, candidate.version, candidate.mode, covered, occurs, passed)
