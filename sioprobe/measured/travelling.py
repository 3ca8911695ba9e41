"""Counts travel from a worker to its master as plain values; the master makes counts of them again."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from sioprobe.results.histogram import Histogram

__all__ = ["pack", "unpack"]

Kind = TypeVar("Kind")


def pack(value: Any) -> Any:
    """A dataclass or a struct as plain values. A histogram becomes its pairs."""
    return msgspec.to_builtins(value, enc_hook=_pack_histogram)


def unpack(plain: Any, kind: type[Kind]) -> Kind:
    """The value that `pack` packed. Raises msgspec.ValidationError for anything else."""
    return msgspec.convert(plain, kind, dec_hook=_unpack_histogram)


def _pack_histogram(value: Any) -> Any:
    if isinstance(value, Histogram):
        return {"max": value.max, "pairs": value.to_pairs()}
    raise NotImplementedError(f"{type(value).__name__} does not travel")


def _unpack_histogram(kind: type, plain: Any) -> Any:
    return Histogram.from_pairs(plain["pairs"], plain["max"])
