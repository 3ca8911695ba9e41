"""Say in one line what is wrong with a document: the place, the value, and what should stand there.

msgspec checks a document fast. If it refuses one, this module finds the first fault and puts it into words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from msgspec import inspect

from sioprobe.commandline.nearest import nearest

__all__ = ["first_fault"]

_NAMES: tuple[tuple[type[inspect.Type], str, tuple[type, ...]], ...] = (
    (inspect.NoneType, "null", (type(None),)),
    (inspect.BoolType, "boolean", (bool,)),
    (inspect.IntType, "integer", (int,)),
    (inspect.FloatType, "number", (int, float)),
    (inspect.StrType, "string", (str,)),
    (inspect.ListType, "array", (list, tuple)),
    (inspect.TupleType, "array", (list, tuple)),
    (inspect.VarTupleType, "array", (list, tuple)),
    (inspect.DictType, "object", (dict,)),
    (inspect.TypedDictType, "object", (dict,)),
    (inspect.StructType, "object", (dict,)),
    (inspect.DataclassType, "object", (dict,)),
)
"""For each type of msgspec: its name in JSON Schema, and what it is in Python. A boolean is no integer."""


def first_fault(value: Any, wanted: inspect.Type, place: str = "") -> str | None:
    """The first fault in `value`, which stands at `place`; None if it is as `wanted`."""
    if isinstance(wanted, inspect.Metadata):
        return first_fault(value, wanted.type, place)
    if isinstance(wanted, inspect.UnionType):
        fitting = [kind for kind in wanted.types if _fits(value, kind)]
        return first_fault(value, fitting[0], place) if fitting else _wrong_type(value, wanted.types, place)
    if isinstance(wanted, inspect.LiteralType):
        # True equals 1 in Python, but not in JSON.
        chosen = any(value == choice and type(value) is type(choice) for choice in wanted.values)
        return None if chosen else _wrong_choice(value, wanted.values, place)
    if not _fits(value, wanted):
        return _wrong_type(value, (wanted,), place)
    if isinstance(wanted, (inspect.TypedDictType, inspect.StructType, inspect.DataclassType)):
        return _in_object(value, wanted.fields, place)
    if isinstance(wanted, inspect.DictType):
        return _first(first_fault(each, wanted.value_type, _below(place, key)) for key, each in value.items())
    if isinstance(wanted, (inspect.ListType, inspect.VarTupleType)):
        faults = (first_fault(each, wanted.item_type, f"{place}[{n}]") for n, each in enumerate(value))
        return _out_of_bounds(value, wanted, place) or _first(faults)
    if isinstance(wanted, inspect.TupleType):
        if len(value) != len(wanted.item_types):
            return f"{place} has {len(value)} items, it should have {len(wanted.item_types)}"
        pairs = zip(value, wanted.item_types, strict=True)
        return _first(first_fault(each, kind, f"{place}[{n}]") for n, (each, kind) in enumerate(pairs))
    return _out_of_bounds(value, wanted, place)


def _in_object(value: dict[str, Any], fields: Iterable[inspect.Field], place: str) -> str | None:
    for field in fields:
        below = _below(place, field.encode_name)
        if field.encode_name in value:
            fault = first_fault(value[field.encode_name], field.type, below)
        else:
            fault = f"{below} is missing" if field.required else None
        if fault is not None:
            return fault
    return None


def _first(faults: Iterable[str | None]) -> str | None:
    return next((fault for fault in faults if fault is not None), None)


def _below(place: str, key: str) -> str:
    """`cells[3].arm` for the key "arm" below `cells[3]`."""
    return f"{place}.{key}" if place else key


def _fits(value: Any, wanted: inspect.Type) -> bool:
    if isinstance(wanted, inspect.Metadata):
        return _fits(value, wanted.type)
    if isinstance(wanted, inspect.LiteralType):
        # Only the type is asked here: a text that is none of the choices is a wrong choice, not a wrong type.
        return any(type(value) is type(choice) for choice in wanted.values)
    for kind, _, types in _NAMES:
        if isinstance(wanted, kind):
            return isinstance(value, types) and (bool in types or not isinstance(value, bool))
    return True


def _name(wanted: inspect.Type) -> str:
    if isinstance(wanted, inspect.Metadata):
        return _name(wanted.type)
    if isinstance(wanted, inspect.LiteralType):
        return "string"
    return next(name for kind, name, _ in _NAMES if isinstance(wanted, kind))


def _wrong_type(value: Any, wanted: Iterable[inspect.Type], place: str) -> str:
    # "string or null" reads better than "null or string".
    names = sorted(dict.fromkeys(map(_name, wanted)), key=lambda name: name == "null")
    return f"{place} is {_shortened(value)}, it should be of type {' or '.join(names)}"


def _wrong_choice(value: Any, choices: tuple[object, ...], place: str) -> str:
    if len(choices) == 1:
        return f"{place} is {_shortened(value)}, it should be {choices[0]!r}"
    return f"{place} is {_shortened(value)}, which is not valid{nearest(value, map(str, choices))}"


def _out_of_bounds(value: Any, wanted: inspect.Type, place: str) -> str | None:
    least, most = getattr(wanted, "ge", None), getattr(wanted, "le", None)
    if least is not None and not value >= least:  # NaN is not
        return f"{place} is {_shortened(value)}, it should be at least {least}"
    if most is not None and value > most:
        return f"{place} is {_shortened(value)}, it should be at most {most}"
    shortest, longest = getattr(wanted, "min_length", None), getattr(wanted, "max_length", None)
    if shortest is not None and len(value) < shortest:
        return f"{place} is {_shortened(value)}, its length should be at least {shortest}"
    if longest is not None and len(value) > longest:
        return f"{place} is {_shortened(value)}, its length should be at most {longest}"
    return None


def _shortened(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
