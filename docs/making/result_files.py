"""The page about the result files: the keys of each kind, out of its JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sioprobe.results.validate import KINDS, schema_of

__all__ = ["page", "page_of"]

OPENING = """\
# Result files

Every file that sioprobe writes for programs is JSON.
Each document says what it is (`kind`) and which revision of its schema it follows (`schema`).
sioprobe checks a document when it writes it and when it reads it.
A program that reads a document should ignore keys that it does not know.

`python -m sioprobe.results KIND` prints the JSON Schema of a kind.

A key in **bold** is always there.
"""
Schema = dict[str, Any]


def page(root: Path) -> str:
    """The Markdown of the page."""
    return OPENING + page_of({kind: schema_of(kind) for kind in KINDS})


def page_of(schemas: Mapping[str, Schema]) -> str:
    """A section for each kind, then one for each part that kinds are made of."""
    sections: list[str] = []
    parts: dict[str, Schema] = {}
    for kind, schema in schemas.items():
        definitions = dict(schema.get("$defs", {}))
        top = definitions.pop(_name(schema), schema) if "$ref" in schema else schema
        sections.append(_section(f"## {kind}", top))
        parts |= definitions
    tables = [_section(f"### {name}", parts[name]) for name in sorted(parts) if "properties" in parts[name]]
    return "".join([*sections, "\n## Parts\n", *tables])


def _section(heading: str, schema: Schema) -> str:
    about = schema.get("description", "").partition("\n\n")[0].replace("\n", " ")
    rows = "".join(_rows(schema))
    return f"\n{heading}\n\n{about}\n\n| key | type | meaning |\n|---|---|---|\n{rows}"


def _rows(schema: Schema) -> Iterator[str]:
    required = schema.get("required", ())
    for name, value in schema.get("properties", {}).items():
        key = f"**`{name}`**" if name in required else f"`{name}`"
        meaning = value.get("description", "").replace("|", "\\|").replace("\n", " ")
        yield f"| {key} | {_type(value)} | {meaning} |\n"


def _name(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return f"[{_name(schema)}](#{_name(schema).lower()})"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if schema.get("type") == "array" and schema.get("items"):
        return f"array of {_type(schema['items'])}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))
