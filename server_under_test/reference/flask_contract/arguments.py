"""What JSON cannot say: `{"tuple": [...]}` stands for a tuple, `{"float": "nan"}` for a number."""

from __future__ import annotations

from typing import Any


def python_value(value: Any) -> Any:
    """The value that a client's JSON stands for."""
    if isinstance(value, dict) and value.keys() == {"tuple"}:
        return tuple(value["tuple"])
    if isinstance(value, dict) and value.keys() == {"float"}:
        return float(value["float"])
    return value


def name_of_error(error: Exception) -> str:
    """An error handler: the acknowledgement names what was raised."""
    return type(error).__name__
