"""Check a document against its JSON Schema and say the first thing that is wrong in one line.

Unknown keys are allowed: a newer writer of the same schema version may add some.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable
from importlib import resources
from types import NoneType
from typing import Any

import jsonschema
from jsonschema.exceptions import ValidationError

from sioprobe.results.errors import ResultFileError
from sioprobe.results.types import SCHEMA_VERSION

KINDS = ("run", "block", "conformance", "results", "capacity")


@functools.cache
def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema of `kind` (one of KINDS), as shipped in the wheel."""
    text = resources.files("sioprobe.results").joinpath("schema", f"{kind}.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@functools.cache
def _validator(kind: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema_of(kind))


def validate(document: object, kind: str, where: str) -> None:
    """ResultFileError when `document` is not a `kind`; `where` opens the line ("rounds.jsonl: line 3")."""
    if not isinstance(document, dict):
        raise ResultFileError(f"{where}: not a JSON object but {_type_name(document)}")
    found_kind = document.get("kind")
    if found_kind != kind:
        found = "is missing" if found_kind is None else f"is {found_kind!r}"
        raise ResultFileError(f"{where}: kind {found}, it should be {kind!r}")
    version = document.get("schema")
    if version != SCHEMA_VERSION:
        found = "is missing" if version is None else f"is {version!r}"
        raise ResultFileError(f"{where}: schema {found}, this sioprobe reads schema {SCHEMA_VERSION}")
    if kind == "conformance":
        document = _without_plain_transcripts(document)
    errors = list(_validator(kind).iter_errors(document))
    if errors:
        raise ResultFileError(f"{where}: {_sentence(min(errors, key=_order))}")


def _without_plain_transcripts(document: dict[str, Any]) -> dict[str, Any]:
    """`document` with every transcript emptied whose lines are plainly right.

    A result has tens of thousands of transcript lines, which would take the validator many seconds.
    """
    cases = document.get("cases")
    if not isinstance(cases, list):
        return document
    return document | {"cases": [_without_plain_transcript(case) for case in cases]}


def _without_plain_transcript(case: object) -> object:
    if not isinstance(case, dict):
        return case
    lines = case.get("transcript")
    if isinstance(lines, list) and all(map(_is_plain_line, lines)):
        return case | {"transcript": []}
    return case


def _is_plain_line(line: object) -> bool:
    return (
        isinstance(line, dict)
        and type(line.get("time")) in (int, float)
        and line.get("direction") in ("C→S", "S→C")
        and type(line.get("raw")) is str
        and type(line.get("layer")) in (str, NoneType)
        and type(line.get("meaning")) in (str, NoneType)
    )


def _order(error: ValidationError) -> list[str]:
    """Document order: by place, indices as numbers."""
    return [f"{part:09}" if isinstance(part, int) else part for part in error.absolute_path]


def _sentence(error: ValidationError) -> str:
    place = _place(error.absolute_path)
    wanted: Any = error.validator_value
    instance: Any = error.instance
    if error.validator == "required":
        missing = next(key for key in wanted if key not in instance)
        return f"{place}.{missing} is missing" if place else f"{missing} is missing"
    value = _shortened(error.instance)
    if error.validator == "type":
        names = wanted if isinstance(wanted, str) else " or ".join(wanted)
        return f"{place} is {value}, it should be of type {names}"
    if error.validator == "enum":
        allowed = [str(choice) for choice in wanted]
        near = difflib.get_close_matches(str(error.instance), allowed, n=1, cutoff=0)
        return f"{place} is {value}, not one of {', '.join(allowed)} (nearest: {near[0]})"
    if error.validator == "const":
        return f"{place} is {value}, it should be {wanted!r}"
    if error.validator == "minimum":
        return f"{place} is {value}, it should be at least {wanted}"
    return f"{place}: {error.message.splitlines()[0]}"


def _place(path: Iterable[str | int]) -> str:
    """`cells[3].arm` for the path ["cells", 3, "arm"]."""
    place = ""
    for part in path:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    return place


def _shortened(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _type_name(document: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(document), "null")
