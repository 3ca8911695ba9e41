"""Values that JSON does not have: `{"tuple": [...]}` is a tuple, `{"float": "nan"}` a number."""

from __future__ import annotations

from typing import Any


def python_value(value: Any) -> Any:
    """The Python value for the JSON of a client."""
    if isinstance(value, dict) and value.keys() == {"tuple"}:
        return tuple(value["tuple"])
    if isinstance(value, dict) and value.keys() == {"float"}:
        return float(value["float"])
    return value


def name_of_error(error: Exception) -> str:
    """An error handler. The acknowledgement names the exception."""
    return type(error).__name__
