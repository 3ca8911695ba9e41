"""Short names of judged servers: they tell the servers apart and say no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from sioprobe.results.types import Conformance


def names_of(files: Sequence[Path], results: Sequence[Conformance]) -> list[str]:
    """A different name for each result, in their order.

    Servers of one library and version are named by their async mode. Other names hold library, version and
    mode as far as these tell servers apart. A server without a library has its title or its file's name.
    """
    names = [_name(file, result, results) for file, result in zip(files, results, strict=True)]
    products = {(result["target"].get("library"), result["target"].get("version")) for result in results}
    if len(products) == 1 and len(set(names)) == len(results) > 1:
        library = next(iter(products))[0]
        names = [name.removeprefix(f"{library} ") for name in names]
    doubled = {name for name, times in Counter(names).items() if times > 1}
    names = [
        f"{name} ({file.stem})" if name in doubled else name for file, name in zip(files, names, strict=True)
    ]
    # The same file twice, or two files with one name in different folders.
    return [name if names.count(name) == 1 else f"{name} #{n}" for n, name in enumerate(names, 1)]


def _name(file: Path, result: Conformance, results: Sequence[Conformance]) -> str:
    target = result["target"]
    library, version, mode = target.get("library"), target.get("version"), target.get("mode")
    if not library:
        title = target.get("title")
        return title if title and title != target.get("url") else file.stem
    siblings = [other["target"] for other in results if other["target"].get("library") == library]
    versions = {sibling.get("version") for sibling in siblings}
    modes = {sibling.get("mode") for sibling in siblings}
    parts = [library]
    if version and (len(versions) > 1 or len(modes) == 1):
        parts.append(version)
    if mode and len(modes) > 1:
        parts.append(mode)
    return " ".join(parts)
