"""The tables of parameters in the page about the scenarios, from what each scenario declares."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from docs.making.children import output

__all__ = ["fill"]

MARK = re.compile(r"^<!-- parameters: (\w+) -->$", re.MULTILINE)

SCRIPT = """
import json
from load.scenarios import SCENARIOS
print(json.dumps({
    name: [
        [each.name, each.kind, each.default, each.least, each.most, each.help, each.unit]
        for each in scenario.parameters
    ]
    for name, scenario in SCENARIOS.items()
}))
"""


def fill(markdown: str, root: Path) -> str:
    """The page with a table in the place of each mark. Raises KeyError for a scenario that there is not."""
    tables = _tables(root)
    marked = set(MARK.findall(markdown))
    if set(tables) - marked:
        raise ValueError(f"reference/scenarios.md describes no {', '.join(sorted(set(tables) - marked))}")
    return MARK.sub(lambda mark: tables[mark[1]], markdown)


@cache
def _tables(root: Path) -> dict[str, str]:
    head = "| parameter | value | default | meaning |\n|---|---|---|---|\n"
    declared = json.loads(output(root, "-c", SCRIPT))
    return {name: head + "".join(_row(*each) for each in rows) for name, rows in declared.items()}


def _row(
    name: str,
    kind: str,
    default: object,
    least: float | None,
    most: float | None,
    meaning: str,
    unit: str,
) -> str:
    value = kind.replace("|", " or ")
    if least is not None:
        value += f", from {least:,g}"
    if most is not None:
        value += f" to {most:,.0f}"
    shown = json.dumps(default).strip('"')
    return f"| `{name}` | {value} | {shown or 'empty'} | {meaning}{f' ({unit})' if unit else ''} |\n"
