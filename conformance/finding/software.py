"""What a server is made of: library, versions, async mode; and who says so.

The user goes before the server's own page, and that before what the process at its address shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.client.about import About
from conformance.finding.profile import ServerProfile

__all__ = ["Software", "merged"]


@dataclass(frozen=True, slots=True)
class Software:
    """`versions` are those of the packages that it is made of, first the one that has the modes.

    `how` says in words what shows it. `named`: the user or the server named the library.
    """

    library: str | None = None
    version: str | None = None
    mode: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    how: str = ""
    named: bool = True


def merged(profile: ServerProfile, about: About, process: Software) -> Software:
    """What counts. `how` is there if something comes from the process, or contradicts the user."""
    library = profile.library or about.library or process.library
    version, mode, how = profile.version, profile.mode, ""
    if about.library == library:
        version, mode = version or about.version, mode or about.mode
    versions = about.versions
    if library in process.versions:
        versions = process.versions | versions
        shown = process.versions[library]
        if version is None:
            version, how = shown, process.how
        elif profile.version is not None and shown != profile.version:
            how = f"{process.how}; {profile.version} was given"
    elif profile.library is not None and process.library is not None:
        how = f"{process.how}; {profile.library} was given"
    if mode is None and process.mode is not None and library == next(iter(process.versions)):
        mode, how = process.mode, how or process.how
    if library is None:
        how = process.how
    versions |= {library: version} if library and version else {}
    named = library in (profile.library, about.library)
    return Software(library, version, mode, versions if library in versions else {}, how, named)
