"""What a run says about known deviations: which apply, and whose would cover its failures."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

from packaging.version import Version

from conformance.judging.known_deviations import Listed, find_deviation, lists, version_of
from conformance.subject import Subject
from conformance.telling.result_file import Results
from conformance.verdicts import Verdict

__all__ = ["about_software", "suggestion"]

LIKELY_SHARE = 0.5  # of the failures that the entries of an unknown library must cover
FEWEST = 5  # that another version must cover than the one that is known
MOST_PASSED = 0.1  # of its entries that occur, so many more may not occur


def about_software(target: Subject) -> list[str]:
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
        tried = list(dict.fromkeys(one.version for one in lists() if one.library == target.library))
        lacks = _lacks(target.library, target.version)
        others = f"; those of {_in_words(tried, 'and')} are listed" if tried else ""
        lines.append(f"{lacks}, so no known deviation applies{others}")
    return lines


def _lacks(library: str, version: str | None) -> str:
    return f"no version of {library} is known" if version is None else f"no entries for {library} {version}"


def _listed(target: Subject) -> bool:
    """Whether entries exist for this version of its library."""
    return _is_listed(target.library, target.version)


def _is_listed(library: str | None, version: str | None) -> bool:
    return any(listed.library == library and _is_for(listed, version) for listed in lists())


def _is_for(listed: Listed, version: str | None) -> bool:
    parsed = version_of(version)
    return parsed is not None and listed.versions.contains(parsed, prereleases=True)


def _in_words(names: list[str], last: str) -> str:
    """`a, b and c`, with `last` before the last."""
    return f" {last} ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


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

    def is_likely(self, failures: int) -> bool:
        """Whether it explains enough, although nobody said that the server is one."""
        return self.covered >= failures * LIKELY_SHARE and self.passed <= self.occurs * MOST_PASSED


def suggestion(target: Subject, results: Results) -> str | None:
    """A line that names the options under which failures are known deviations; None if there are none."""
    failures = sum(outcome.judgement.verdict is Verdict.FAIL for _, outcome in results)
    if not failures or target.unlisted:
        return None
    judged = [
        one
        for one in (_judged(candidate, target, results) for candidate in _candidates(target))
        if one.covered and _counts(one, target, failures)
    ]
    best = max(
        judged,
        key=lambda one: (one.covered, -one.passed, _is_said(one, target), one.mode is None),
        default=None,
    )
    if best is None:
        return None
    words = ["--target-library", best.library, "--target-version", best.version]
    options = shlex.join([*words, *(["--target-mode", best.mode] if best.mode else [])])
    share = f"{best.covered} of {failures}" if best.covered < failures else f"all {failures}"
    share = f"{share} failures are known deviations" if failures > 1 else "the failure is a known deviation"
    if _listed(target) and _is_said(best, target):
        ranked = [one.mode for one in judged if one.rank == best.rank and one.mode and _is_said(one, target)]
        names = _in_words(list(dict.fromkeys(ranked)), "or")
        return f"{share} of mode {names}: if the {target.role} is one, give --target-mode {best.mode}"
    version = _version(best.library, target)
    if _is_listed(best.library, version) or (target.library is None and version is None):
        shown = best.library == target.library and best.library in target.shown
        condition = "as its process shows" if shown else f"if the {target.role} is one"
        return f"{share} of {best.library} {best.version}: {condition}, give {options}"
    covers = f"those of {best.version} would cover {best.covered} of {failures} failures"
    return f"{_lacks(best.library, version)}; {covers}: give {options}"


def _version(library: str, target: Subject) -> str | None:
    """The version of this library that the server has; what its process shows goes before what was said."""
    return target.shown.get(library, target.version if library == target.library else None)


def _counts(candidate: Candidate, target: Subject, failures: int) -> bool:
    """Whether it explains more than what is known already, and enough if it contradicts that."""
    if _is_said(candidate, target):
        return not _listed(target) or candidate.mode not in (None, target.mode)
    return candidate.is_likely(failures) and (candidate.covered >= FEWEST or not _listed(target))


def _is_said(candidate: Candidate, target: Subject) -> bool:
    """Whether it is what was said of the server but for the mode, or for a version that nobody listed."""
    return candidate.library == target.library and (
        candidate.version == target.version or not _listed(target)
    )


def _candidates(target: Subject) -> Iterator[Candidate]:
    """All that the server may be, and its process does not exclude; of a library the newest first."""
    newest = sorted(lists(), key=lambda listed: Version(listed.version), reverse=True)
    for listed in sorted(newest, key=lambda listed: listed.library):
        of_process = listed.library in target.shown
        open_to_all = target.library is None and not target.shown
        if not (target.library == listed.library or of_process or open_to_all):
            continue
        version = _version(listed.library, target)
        shown = of_process and _is_listed(listed.library, version)
        if shown and not _is_for(listed, version):
            continue
        modes: list[str | None] = [None, *listed.modes]
        if target.mode is not None:
            # A mode that no list knows is not one to name.
            modes = [target.mode if target.mode in listed.modes else None]
        for mode in modes:
            if not (listed.borrowed and mode not in listed.modes):
                own = version if version is not None and _is_for(listed, version) else listed.version
                yield Candidate(listed.library, own, mode)


def _judged(candidate: Candidate, target: Subject, results: Results) -> Candidate:
    """The candidate with what its entries say about these outcomes."""
    covered = occurs = passed = 0
    assumed = replace(target, library=candidate.library, version=candidate.version, mode=candidate.mode)
    for question, outcome in results:
        entry = find_deviation(question, assumed)
        if entry is None:
            continue
        verdict = outcome.judgement.verdict
        if verdict is Verdict.FAIL:
            known = entry.applied(outcome.judgement, {}).verdict is Verdict.KNOWN_DEVIATION
            covered += known
            occurs += known
        elif verdict in (Verdict.NON_STRICT, Verdict.INFO, Verdict.KNOWN_DEVIATION):
            occurs += 1
        elif verdict in (Verdict.PASS, Verdict.UNEXPECTED_PASS) and not entry.sometimes:
            passed += 1
    return replace(candidate, covered=covered, occurs=occurs, passed=passed)
