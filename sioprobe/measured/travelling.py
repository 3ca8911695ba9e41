"""How counts travel from a worker to its master: as plain values, of which the master makes the same."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from sioprobe.results.histogram import Histogram

__all__ = ["pack", "unpack"]

Kind = TypeVar("Kind")


def pack(value: Any) -> Any:
    """A dataclass or a struct as plain values; its histograms as their pairs."""
    return msgspec.to_builtins(value, enc_hook=_pack_histogram)


def unpack(plain: Any, kind: type[Kind]) -> Kind:
    """What `pack` packed; msgspec.ValidationError for what it did not."""
    return msgspec.convert(plain, kind, dec_hook=_unpack_histogram)


def _pack_histogram(value: Any) -> Any:
    if isinstance(value, Histogram):
        return {"max": value.max, "pairs": value.to_pairs()}
    raise NotImplementedError(f"{type(value).__name__} does not travel")


def _unpack_histogram(kind: type, plain: Any) -> Any:
    return Histogram.from_pairs(plain["pairs"], plain["max"])
