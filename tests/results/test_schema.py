"""The JSON Schemas: valid themselves, versioned, told by a command, and of one mind with what checks here."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import jsonschema
import pytest

from sioprobe.results import types
from sioprobe.results.errors import ResultFileError
from sioprobe.results.loads import to_json
from sioprobe.results.validate import KINDS, schema_of, validate
from tests.reports import synthetic


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_a_valid_schema_of_this_version(kind: str) -> None:
    schema = schema_of(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    properties = schema["$defs"][schema["$ref"].rpartition("/")[2]]["properties"]
    assert properties["schema"]["enum"] == [types.SCHEMA_VERSION]
    assert properties["kind"]["enum"] == [kind]


def documents() -> list[tuple[str, dict[str, Any]]]:
    return [
        ("run", json.loads(json.dumps(synthetic.run_document()))),
        ("block", to_json(synthetic.blocks(1)[0])),
        ("conformance", json.loads(json.dumps(synthetic.conformance_document("gevent")))),
    ]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container below, with each of its keys."""
    if isinstance(value, dict):
        found = [(value, key) for key in value]
    elif isinstance(value, list):
        found = [(value, index) for index in range(min(len(value), 2))]
    else:
        return []
    return found + [place for container, key in found for place in places(container[key])]


def refusal(document: dict[str, Any], kind: str) -> str:
    """What the check says; empty where it takes the document."""
    try:
        validate(document, kind, "file")
    except ResultFileError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", ["run", "block", "conformance"])
def test_the_schema_and_the_check_refuse_the_same(kind: str) -> None:
    document = dict(documents())[kind]
    schema = jsonschema.Draft202012Validator(schema_of(kind))
    refused = 0
    for container, key in places(document):
        kept = container[key]
        for wrong in (None, True, -1, "", 1.5, [], {}):
            container[key] = wrong
            by_schema = not schema.is_valid(document)
            said = refusal(document, kind)
            assert by_schema is bool(said), (key, wrong, said)
            if said:
                # Named by its place, and not left to the words of a library.
                assert str(key) in said
                assert "Expected `" not in said
                refused += 1
        container[key] = kept
    assert refused > 100


def test_a_schema_is_printed_and_a_wrong_name_is_told() -> None:
    command = [sys.executable, "-m", "sioprobe.results"]
    printed = subprocess.run([*command, "load"], capture_output=True, text=True, check=True)
    wrong = subprocess.run([*command, "blok"], capture_output=True, text=True)

    assert json.loads(printed.stdout) == schema_of("load")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.splitlines() == [
        f"error: give one kind of result, not 'blok' (the nearest is 'block'; valid are {', '.join(KINDS)})"
    ]
