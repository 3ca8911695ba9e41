"""The page about the requirements: the catalogue as `sioprobe conform --list --json` tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any

from docs.making.children import output

__all__ = ["page"]

PROTOCOLS = {
    "EIO": "Engine.IO 4",
    "SIO": "Socket.IO 5",
    "EIO3": "Engine.IO 3",
    "SIO3": "Engine.IO 3 beside 4",
    "SIO4": "Socket.IO 4",
    "FSIO": "Flask-SocketIO",
    "CLI": "Clients",
    "CLI3": "Clients of Engine.IO 3",
}
"""What the first part of an id stands for."""

OPENING = """\
# Requirements

The catalogue has {statements} statements about servers.
{with_cases} of them have cases: {cases} cases, and {cases_with_transports} when you count each transport.
{without_cases} have none, because nobody can see from outside whether they hold; each gives its reason.

An id never changes, and the project never uses one again.
The level says how much a requirement binds: MUST, SHOULD and MAY are those of the specification;
`reference` is what the reference implementation does, and `gap` is where the specification says nothing.
Below a requirement stands the sentence that it rests on, and where that sentence is from: the protocol,
its official tests (then it is the title of the test), or a document that the protocol builds on.
The column "contract" is the [contract level](contract.md) that the server needs.
The last two tables have the {clients} statements about [clients](../judge/clients.md), which have
[a contract of their own](client-contract.md).
"""


def page(root: Path) -> str:
    """The Markdown of the page."""
    catalogue = json.loads(output(root, "-m", "conformance", "--list", "--json"))
    of_clients = json.loads(output(root, "-m", "conformance", "--list", "--client", "js", "--json"))
    rows = [*catalogue["requirements"], *of_clients["requirements"]]
    protocols = sorted(rows, key=lambda row: list(PROTOCOLS).index(_protocol(row)))
    return OPENING.format(**catalogue["coverage"], clients=len(of_clients["requirements"])) + "".join(
        f"\n## {PROTOCOLS[protocol]}: {protocol}\n\n{_table(rows)}"
        for protocol, rows in groupby(protocols, key=_protocol)
    )


def _protocol(row: dict[str, Any]) -> str:
    return str(row["id"]).partition("-")[0]


def _table(rows: Iterable[dict[str, Any]]) -> str:
    head = "| id | level | requirement | contract | cases |\n|---|---|---|---|---|\n"
    return head + "".join(_line(row) for row in sorted(rows, key=lambda row: str(row["id"])))


def _line(row: dict[str, Any]) -> str:
    text = _cell(row["requirement"])
    if row["says"]:
        text += f"<br>*{_cell(row['spec'])}:* “{_cell(row['says'])}”"
    if row["reason"]:
        text += f"<br>*No case:* {_cell(row['reason'])}."
    contract = "-" if row["contract"] is None else row["contract"]
    name = f'<span class="id" id="{row["id"].lower()}">{row["id"]}</span>'
    return f"| {name} | {row['level']} | {text} | {contract} | {row['cases'] or '-'} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").rstrip(".")
