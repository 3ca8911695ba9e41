"""What a break is, and how a registry of them is written."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Break:
    """One function of a reference, broken.

    `requirements` are those that it should break: ids of the catalogue, or the beginnings of ids.
    """

    name: str
    breaks: str
    requirements: tuple[str, ...]
    patch: Callable[[], None] = lambda: None

    @property
    def is_of_recovery(self) -> bool:
        """Whether it shows only at a server that recovers lost connections."""
        return all(requirement.startswith("SIO-RC") for requirement in self.requirements)


class Registry(dict[str, Break]):
    """Breaks by name; called, it is the decorator of the function that patches."""

    def __call__(self, *requirements: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
        def add(patch: Callable[[], None]) -> Callable[[], None]:
            name = patch.__name__.replace("_", "-")
            assert name not in self
            assert patch.__doc__
            self[name] = Break(name, patch.__doc__, requirements, patch)
            return patch

        return add


def replace(owner: Any, name: str) -> Callable[[Callable[..., Any]], None]:
    """Put the decorated function in the place of `owner.name`.

    It gets the original as its first argument; that of a class method is bound to its class.
    """

    def put(function: Callable[..., Any]) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def patched(*arguments: Any, **named: Any) -> Any:
            return function(original, *arguments, **named)

        is_unbound = isinstance(inspect.getattr_static(owner, name), (classmethod, staticmethod))
        setattr(owner, name, staticmethod(patched) if is_unbound else patched)

    return put
