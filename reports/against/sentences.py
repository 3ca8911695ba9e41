"""What two folders side by side show, in sentences. The first is the headline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reports.statistics.intervals import median
from reports.writing.wording import TRANSPORTS, change, counted, listed, percent, signed_percent
from sioprobe.results.across import Against, FigureChange, PairedCell, RatioChange

__all__ = ["NAMES", "RATIO_NAMES", "claims_of", "findings_of", "notes_of", "place_of", "together_of"]

NAMES = {
    "server_cpu_us_per_message": "CPU per message",
    "messages_per_second": "messages/s",
    "latency_p50_us": "p50",
    "latency_p99_us": "p99",
    "rss_bytes_per_connection": "memory per connection",
}
RATIO_NAMES = {"cpu_us_per_message": "CPU per message", "p50_us": "p50"}

GENERATOR = ("gevent", "httptools", "locust")

TOGETHER = 0.75
"""From this share of cells on a change in one direction may be the machine's."""

FEWEST_TOGETHER = 3
MOST_NAMED = 4

Claim = tuple[PairedCell, FigureChange]


def place_of(cell: PairedCell, cells: Sequence[PairedCell]) -> str:
    """`gevent over WebSocket`, with the load if there are several."""
    place = f"{cell['arm']} over {TRANSPORTS[cell['transport']]}"
    if len({(one["scenario"], one["connections"]) for one in cells}) > 1:
        place += f" ({cell['scenario']}, {cell['connections']} connections)"
    return place


def claims_of(against: Against, word: str) -> list[Claim]:
    """The figures of which this word is said, the largest change first; none that changed in most cells."""
    claims = [
        (cell, figure)
        for cell in against["cells"]
        for figure in cell["figures"]
        if figure["word"] == word and figure["figure"] not in against["together"]
    ]
    # By factor, so that half and double are equally large.
    return sorted(claims, key=lambda claim: -_factor(claim[1]["change"]))


def _factor(share: float | None) -> float:
    ratio = 1 + (share or 0.0)
    return max(ratio, 1 / ratio) if ratio > 0 else 1.0


def findings_of(against: Against) -> list[str]:
    """The sentences, at least one."""
    claims = {word: claims_of(against, word) for word in ("worse", "better")}
    sentences = [
        *_ratio_sentences(against["ratios"]),
        *_counts(against, len(claims["worse"]), len(claims["better"])),
    ]
    sentences += [
        f"In most cells at once, {NAMES[name]} changed by about {signed_percent(share, 0)}: "
        "the machine may have been faster or slower that day."
        for name, share in against["together"].items()
    ]
    for word, found in claims.items():
        by_place: dict[str, list[str]] = {}
        for cell, figure in found:
            said = f"{NAMES[figure['figure']]} {change(figure['change'], figure['low'], figure['high'])}"
            by_place.setdefault(place_of(cell, against["cells"]), []).append(said)
        sentences += [
            f"{word.capitalize()}: {place}: {', '.join(all_said)}." for place, all_said in by_place.items()
        ]
    sentences += _conformance_sentences(against)
    return sentences or ["Nothing is in both folders."]


def _counts(against: Against, worse: int, better: int) -> list[str]:
    """How many figures changed for sure, those left out that changed together."""
    if not against["cells"]:
        return []
    told = sum(
        figure["word"] is not None and figure["figure"] not in against["together"]
        for cell in against["cells"]
        for figure in cell["figures"]
    )
    if not told:
        return [] if against["together"] else ["There are too few blocks to say what changed."]
    rest = told - worse - better
    if rest == told:
        return [f"No figure changed for sure: all {rest} cannot be told apart."]
    first = f"{worse or 'None'} of {counted(told, 'figure')} got worse, {better or 'none'} got better"
    return [f"{first}; {rest} cannot be told apart." if rest else f"{first}."]


def together_of(cells: Sequence[PairedCell]) -> dict[str, float]:
    """Figures that changed in most cells in one direction, with the median change."""
    found = {}
    for name in NAMES:
        figures = [one for cell in cells for one in cell["figures"] if one["figure"] == name]
        changes = [one["change"] for one in figures if one["change"] is not None]
        words = Counter(one["word"] for one in figures)
        same = max(words["better"], words["worse"])
        if len(changes) >= FEWEST_TOGETHER and same >= TOGETHER * len(changes):
            found[name] = median(changes)
    return found


def _ratio_sentences(ratios: Sequence[RatioChange]) -> list[str]:
    """A sentence for the arm that explains most changed ratios, and so on until all are explained."""
    left = [one for one in ratios if one["word"] in ("better", "worse")]
    sentences = []
    while left:
        mentions = Counter(
            (one["transport"], one["figure"], arm) for one in left for arm in (one["arm"], one["over"])
        )
        transport, figure, arm = max(mentions, key=lambda key: mentions[key])
        own = [
            one
            for one in left
            if (one["transport"], one["figure"]) == (transport, figure) and arm in (one["arm"], one["over"])
        ]
        left = [one for one in left if one not in own]
        seen = dict(_seen_from(arm, one) for one in own)
        for word in ("higher", "lower"):
            shares = {other: share for other, share in seen.items() if (share > 0) == (word == "higher")}
            if shares:
                ends = [percent(abs(end)) for end in sorted(shares.values(), key=abs)]
                by = " to ".join(dict.fromkeys((ends[0], ends[-1])))
                sentences.append(
                    f"Over {TRANSPORTS[transport]}, the {RATIO_NAMES.get(figure, figure)} of {arm} is {by} "
                    f"{word} than before, side by side with {_named(list(shares), 'server')}."
                )
    return sentences


def _seen_from(arm: str, one: RatioChange) -> tuple[str, float]:
    """The other arm, and by how much `arm` changed against it."""
    if one["arm"] == arm:
        return one["over"], one["change"]
    return one["arm"], 1 / (1 + one["change"]) - 1


def _named(names: Sequence[str], what: str) -> str:
    return listed(names) if len(names) <= MOST_NAMED else counted(len(names), what)


def _conformance_sentences(against: Against) -> list[str]:
    if not against["judged"]:
        return []
    sentences = []
    for kind, verb in (("broken", "newly breaks"), ("mended", "no longer breaks")):
        for arm in against["judged"]:
            cases = [case for case in against["conformance"] if (case["arm"], case["kind"]) == (arm, kind)]
            ids = list(dict.fromkeys(case["id"] for case in cases))
            if ids:
                sentences.append(f"{arm} {verb} {_named(ids, 'requirement')}.")
    others = sum(case["kind"] == "other" for case in against["conformance"])
    if others:
        verb = "has" if others == 1 else "have"
        sentences.append(f"{counted(others, 'case')} of the judge {verb} another verdict.")
    if not against["conformance"]:
        sentences.append(f"No verdict of the judge changed ({counted(len(against['judged']), 'server')}).")
    return sentences


def _generator(environment: Mapping[str, Any]) -> dict[str, str]:
    """What the load ran on."""
    libraries = environment.get("libraries") or {}
    versions = {"Python": environment.get("python"), **{name: libraries.get(name) for name in GENERATOR}}
    return {name: version or "unknown" for name, version in versions.items()}


def notes_of(against: Against) -> list[str]:
    """What a reader must know before believing the figures."""
    notes = []
    before, after = (_generator(against[side]["environment"]) for side in ("old", "new"))
    changed = [
        f"{name} ({before[name]}, then {after[name]})" for name in before if before[name] != after[name]
    ]
    if changed and against["cells"]:
        notes.append(f"the load came from another {listed(changed)}, so latencies may differ by that alone")
    for side in (against["old"], against["new"]):
        suspect, usable = side["blocks"].get("SUSPECT", 0), side["blocks"].get("VALID", 0)
        if suspect > usable:
            notes.append(f"{suspect} of {suspect + usable} usable blocks of {side['name']} are SUSPECT")
    if against["unpaired"]:
        notes.append(f"{counted(len(against['unpaired']), 'cell')} could not be paired")
    alone = sum(case["kind"] == "asked once" for case in against["conformance"])
    if alone:
        notes.append(
            f"{counted(alone, 'case')} of the judge {'is' if alone == 1 else 'are'} in one folder only"
        )
    return notes
