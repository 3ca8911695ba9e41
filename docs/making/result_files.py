"""The page about the result files: their keys, out of the JSON Schemas that the package ships."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["page"]

OPENING = """\
# Result files

Every file that sioprobe writes for programs is JSON, and a JSON Schema describes it.
The schemas are part of the package (`sioprobe/results/schema/`).
Each document says what it is (`kind`) and which revision of the schema it follows (`schema`).
A program that reads a document should ignore keys that it does not know.

A key in **bold** is always there.
"""


def page(root: Path) -> str:
    """The Markdown of the page."""
    schemas = sorted((root / "sioprobe/results/schema").glob("*.schema.json"))
    return OPENING + "".join(_section(json.loads(path.read_text("utf-8"))) for path in schemas)


def _section(schema: dict[str, Any]) -> str:
    title = schema["title"].removeprefix("sioprobe ")
    rows = "".join(_rows(schema, schema, ""))
    return f"\n## {title}\n\n{schema['description']}\n\n| key | type | meaning |\n|---|---|---|\n{rows}"


def _rows(schema: dict[str, Any], node: dict[str, Any], prefix: str) -> list[str]:
    required = node.get("required", ())
    found = []
    for name, raw in node.get("properties", {}).items():
        part = _resolved(schema, raw)
        key = f"`{prefix}{name}`"
        key = f"**{key}**" if name in required else key
        meaning = raw.get("description", part.get("description", "")).replace("|", "\\|")
        found.append(f"| {key} | {_type(schema, part)} | {meaning} |\n")
        inner, mark = (part, ".") if "properties" in part else (_items(schema, part), "[].")
        found += _rows(schema, inner, f"{prefix}{name}{mark}")
    return found


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """The node, or what its `$ref` names in `$defs`."""
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return node


def _items(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    items = node.get("items", {})
    return _resolved(schema, items) if isinstance(items, dict) else {}


def _type(schema: dict[str, Any], node: dict[str, Any]) -> str:
    if "const" in node:
        return f"`{json.dumps(node['const'])}`"
    if "enum" in node:
        return ", ".join(f"`{json.dumps(value)}`" for value in node["enum"])
    named = node.get("type", "any")
    return " or ".join(named) if isinstance(named, list) else str(named)
