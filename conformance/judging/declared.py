"""What a user says about the software of a server, in the words of the lists of known deviations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conformance.finding.profile import ServerProfile
from conformance.judging.known_deviations import lists, version_of
from conformance.usage_error import UsageError
from sioprobe.commandline.nearest import plain, unknown

__all__ = ["declared", "listed_mode"]

NONE = "none"
"""As a library: no known deviation applies."""


def declared(profile: ServerProfile) -> ServerProfile:
    """The profile in the words of the lists. Names may be written in capitals and with other separators.

    Raises UsageError for a library, a version or a mode that does not exist; it names the nearest one.
    """
    if profile.library == NONE:
        return replace(profile, unlisted=True)
    if profile.library is not None:
        libraries = list(dict.fromkeys(listed.library for listed in lists()))
        profile = replace(profile, library=_named("library", profile.library, libraries))
    if profile.version is not None and version_of(profile.version) is None:
        raise UsageError(f"{profile.version!r} is no version like 5.7.0")
    if profile.mode is not None:
        kind = f"mode of {profile.library}" if profile.library else "mode"
        profile = replace(profile, mode=_named(kind, profile.mode, _modes(profile.library)))
    return profile


def listed_mode(name: str | None, library: str | None) -> str | None:
    """The mode as the lists write it, or as the server does if they do not know it."""
    return next((mode for mode in _modes(library) if plain(mode) == plain(name or "")), name)


def _modes(library: str | None) -> list[str]:
    of_library = (listed.modes for listed in lists() if library in (None, listed.library))
    return list(dict.fromkeys(mode for modes in of_library for mode in modes))


def _named(kind: str, name: str, names: Iterable[str]) -> str:
    found = next((each for each in names if plain(each) == plain(name)), None)
    if found is None:
        raise UsageError(unknown(kind, name, names))
    return found
