"""Check a document against the type of its kind. An error names the first fault in one line.

Unknown keys are allowed: a newer writer of the same schema version may add some.
"""

from __future__ import annotations

import functools
from typing import Any

import msgspec

from sioprobe.results.across import Against, History
from sioprobe.results.comparison import Measurement
from sioprobe.results.errors import ResultFileError
from sioprobe.results.explain import first_fault
from sioprobe.results.faults import Faults
from sioprobe.results.gate import Gate
from sioprobe.results.loads import RoundsLine, RunResult
from sioprobe.results.types import SCHEMA_VERSION, Capacity, Conformance, Results, Run

KINDS: dict[str, Any] = {
    "run": Run,
    "block": RoundsLine,
    "measurement": Measurement,
    "load": RunResult,
    "conformance": Conformance,
    "results": Results,
    "capacity": Capacity,
    "gate": Gate,
    "faults": Faults,
    "against": Against,
    "history": History,
}
"""The type of each kind of document."""


@functools.cache
def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema of `kind` (one of KINDS)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"sioprobe {kind}",
        **msgspec.json.schema(KINDS[kind]),
    }


def validate(document: object, kind: str, where: str) -> Any:
    """The value that the document describes. Raises ResultFileError if it is not a `kind`.

    The error begins with `where` ("rounds.jsonl: line 3").
    """
    if not isinstance(document, dict):
        raise ResultFileError(f"{where}: not a JSON object but {_type_name(document)}")
    found_kind = document.get("kind")
    if found_kind != kind:
        found = "is missing" if found_kind is None else f"is {found_kind!r}"
        raise ResultFileError(f"{where}: kind {found}, it should be {kind!r}")
    version = document.get("schema")
    if version != SCHEMA_VERSION or isinstance(version, bool):
        found = "is missing" if version is None else f"is {version!r}"
        raise ResultFileError(f"{where}: schema {found}, this sioprobe reads schema {SCHEMA_VERSION}")
    try:
        value = msgspec.convert(document, KINDS[kind])
    except msgspec.ValidationError as error:
        fault = first_fault(document, msgspec.inspect.type_info(KINDS[kind])) or str(error)
        raise ResultFileError(f"{where}: {fault}") from None
    # A dictionary keeps the keys that are unknown here.
    return document if isinstance(value, dict) else value


def _type_name(document: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(document), "null")
