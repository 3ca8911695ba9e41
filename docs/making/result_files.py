"""The page about the result files: their keys, out of their JSON Schemas."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from sioprobe.results.validate import KINDS, schema_of

__all__ = ["page"]

OPENING = """\
# Result files

Every file that sioprobe writes for programs is JSON, and a JSON Schema describes it.
`python -m sioprobe.results KIND` prints the schema of a kind.
Each document says what it is (`kind`) and which revision of the schema it follows (`schema`).
A program that reads a document should ignore keys that it does not know.

A key in **bold** is always there.
"""


def page(root: Path) -> str:
    """The Markdown of the page."""
    return OPENING + "".join(section(kind, schema_of(kind)) for kind in sorted(KINDS))


def section(title: str, schema: dict[str, Any]) -> str:
    """The part of the page about one kind of document."""
    whole = _resolved(schema, schema)
    rows = "".join(_rows(schema, whole, ""))
    text = inspect.cleandoc(whole["description"])
    return f"\n## {title}\n\n{text}\n\n| key | type | meaning |\n|---|---|---|\n{rows}"


def _rows(schema: dict[str, Any], node: dict[str, Any], prefix: str) -> list[str]:
    required = node.get("required", ())
    found = []
    for name, raw in node.get("properties", {}).items():
        part = _resolved(schema, raw)
        key = f"`{prefix}{name}`"
        key = f"**{key}**" if name in required else key
        meaning = inspect.cleandoc(raw.get("description", part.get("description", "")))
        meaning = meaning.replace("|", "\\|").replace("\n\n", " ").replace("\n", " ")
        found.append(f"| {key} | {_type(schema, raw)} | {meaning} |\n")
        inner, mark = (part, ".") if "properties" in part else (_items(schema, part), "[].")
        found += _rows(schema, inner, f"{prefix}{name}{mark}")
    return found


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """The node, or what its `$ref` names in `$defs`; of something that may be null, that thing."""
    while "$ref" in node or "anyOf" in node:
        if "anyOf" in node:
            some, *others = (one for one in node["anyOf"] if one != {"type": "null"})
            if others or "$ref" not in some:
                return node
            node = some
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return node


def _items(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    items = node.get("items", {})
    return _resolved(schema, items) if isinstance(items, dict) else {}


def _type(schema: dict[str, Any], node: dict[str, Any]) -> str:
    if "anyOf" in node:
        return " or ".join(_type(schema, one) for one in node["anyOf"])
    node = _resolved(schema, node)
    if "enum" in node:
        return ", ".join(f"`{json.dumps(value, ensure_ascii=False)}`" for value in node["enum"])
    return str(node.get("type", "any"))
