"""What two runs ran on in different versions."""

from __future__ import annotations

from sioprobe.results.across import VersionChange
from sioprobe.results.types import Results

__all__ = ["Versions", "version_changes", "versions_of"]

Versions = dict[str, dict[str, str]]
"""By who runs on it (the id of an arm, or OURSELVES): the versions by name."""

OURSELVES = ""


def versions_of(results: Results) -> Versions:
    """What the servers reported, and what sioprobe itself ran on."""
    environment = results["environment"]
    own = {
        **(environment.get("libraries") or {}),
        **{name: environment.get(name) for name in ("python", "python_implementation", "kernel", "governor")},
        "sioprobe": results["sioprobe"],
        "revision of sioprobe": (environment.get("revision") or "")[:12],
    }
    reported = {arm["id"]: arm.get("versions") or {} for arm in results["arms"]}
    return {**reported, OURSELVES: {name: str(value) for name, value in own.items() if value}}


def version_changes(old: Versions, new: Versions) -> list[VersionChange]:
    """One entry for each change, those of servers first."""
    found: dict[tuple[str, str | None, str | None], VersionChange] = {}
    for who, after in new.items():
        before = old.get(who, {})
        # A server that did not run reported nothing.
        for name in dict.fromkeys((*before, *after)) if before and after else ():
            versions = before.get(name), after.get(name)
            if versions[0] == versions[1]:
                continue
            change: VersionChange = {"name": name, "old": versions[0], "new": versions[1], "arms": []}
            # Versions that sioprobe and the servers share are listed once.
            change = found.setdefault((name, *versions), change)
            if who != OURSELVES:
                change["arms"].append(who)
    return list(found.values())
