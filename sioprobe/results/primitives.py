"""The words that all result files are made of."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

__all__ = ["Amount", "AtLeastOne", "Count", "Name", "Transport"]

Count = Annotated[int, Meta(ge=0)]
AtLeastOne = Annotated[int, Meta(ge=1)]
Amount = Annotated[float, Meta(ge=0)]
Name = Annotated[str, Meta(min_length=1)]

Transport = Literal["polling", "websocket", "upgrade"]
