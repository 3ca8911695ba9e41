"""The names of `SocketIOUser` that a task must not have.

A task with the name `emit` would replace `SocketIOUser.emit`, and would run wherever `emit` is called.
"""

from __future__ import annotations

import inspect
from types import FunctionType

__all__ = ["check_names"]

SETTINGS = {
    **dict.fromkeys(("transport", "path", "ca_file"), "a text"),
    **dict.fromkeys(("headers", "query", "cookies", "options"), "a mapping"),
    **dict.fromkeys(("verify", "reconnection"), "True or False"),
    **dict.fromkeys(("reconnection_delay", "reconnection_delay_max", "randomization_factor"), "a number"),
    "reconnection_attempts": "a number or None",
    "max_packets_per_post": "a number",
}
INNER = "_sioprobe"
MAY_BE_TASKS = frozenset({"on_start"})
"""Locust calls it once. It does no harm as a task."""


def check_names(made: type, base: type) -> None:
    """Raise TypeError if a task of `made` has a name of `base`, or a method has the name of a setting."""
    for name in (*dir(base), INNER):
        if name.startswith("__") or name in MAY_BE_TASKS:
            continue
        found = inspect.getattr_static(made, name, None)
        if hasattr(found, "locust_task_weight"):
            raise TypeError(
                f"the task {made.__name__}.{name} takes the place of {base.__name__}.{name}; "
                f"give it another name, such as {_other(name)}"
            )
        if name in SETTINGS and isinstance(found, FunctionType):
            raise TypeError(
                f"the method {made.__name__}.{name} takes the place of a setting of {base.__name__} "
                f"({SETTINGS[name]}); give it another name, such as {_other(name)}"
            )


def _other(name: str) -> str:
    return f"do_{name.lstrip('_')}"
