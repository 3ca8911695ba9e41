"""The JSON Schemas: valid themselves, versioned, and in step with the types."""

from __future__ import annotations

import jsonschema
import pytest

from sioprobe.results import types
from sioprobe.results.validate import KINDS, schema_of


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_is_a_valid_schema_of_this_version(kind: str) -> None:
    schema = schema_of(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["schema"] == {"const": types.SCHEMA_VERSION}
    assert schema["properties"]["kind"] == {"const": kind}


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("run", types.Run),
        ("block", types.Block),
        ("conformance", types.Conformance),
        ("results", types.Results),
    ],
)
def test_the_schema_and_the_type_have_the_same_keys(kind: str, shape: type) -> None:
    schema = schema_of(kind)
    assert set(schema["properties"]) == set(shape.__annotations__)
    assert set(schema["required"]) == shape.__required_keys__  # type: ignore[attr-defined]


def test_case_arm_and_cell_have_the_same_keys_in_schema_and_type() -> None:
    case = schema_of("conformance")["properties"]["cases"]["items"]
    arm = schema_of("run")["properties"]["arms"]["items"]
    cell = schema_of("results")["properties"]["cells"]["items"]
    suite = schema_of("conformance")["properties"]["suite"]
    target = schema_of("conformance")["properties"]["target"]
    for schema, shape in (
        (case, types.Case),
        (case["properties"]["transcript"]["items"], types.TranscriptLine),
        (suite, types.Suite),
        (suite["properties"]["without_cases"]["items"], types.WithoutCases),
        (target, types.Target),
        (arm, types.Arm),
        (cell, types.CellResult),
    ):
        assert set(schema["properties"]) == set(shape.__annotations__)
        assert set(schema["required"]) == shape.__required_keys__
