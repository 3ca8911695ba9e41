"""Locust's load shapes `steps`, `ramp`, `spike` and `soak`, made of the stages of `shape_stages`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from locust import LoadTestShape

from load.running.shape_stages import ShapeError, Stage, at, plan

__all__ = ["SHAPES", "Ramp", "Soak", "Spike", "Steps", "planned"]


def planned(name: str, options: Any) -> list[Stage]:
    """The stages that Locust's options ask for. Raises ShapeError."""
    users, rate, seconds = options.shape_users, options.shape_rate, options.shape_seconds
    return plan(name, users, rate, seconds, options.num_users or 1)


class _Shape(LoadTestShape):  # type: ignore[misc]
    """Tells Locust how many users it wants. `entered` is called each time with the stage and the rate."""

    abstract = True
    use_common_options = True
    kind = ""
    options: Any = None
    entered: Callable[[int, Stage, float | None], None] | None = None
    stages: Sequence[Stage] = ()

    def reset_time(self) -> None:
        """Begin with the options of this start, which the web page may have changed."""
        super().reset_time()
        try:
            self.stages = planned(self.kind, self.options)
        except ShapeError as error:
            # This comes from the web page: a command line is checked before.
            self.stages = []
            self.runner.log_exception("local", f"shape {self.kind}: {error}", "")

    def tick(self) -> tuple[int, float] | None:
        """How many users, and how many to spawn per second. None at the end."""
        found = at(self.stages, self.get_run_time())
        if found is None:
            return None
        index, users, rate = found
        if self.entered is not None:
            self.entered(index, self.stages[index], rate)
        # Spawn within a second. Locust waits for it, and a stage could end meanwhile.
        return users, float(max(users, self.get_current_user_count(), 1))


class Steps(_Shape):
    """Each level in turn."""

    abstract = False
    kind = "steps"


class Ramp(_Shape):
    """A straight line between two levels."""

    abstract = False
    kind = "ramp"


class Spike(_Shape):
    """A low level, a high one for a short time, the low one again."""

    abstract = False
    kind = "spike"


class Soak(_Shape):
    """One level for a long time."""

    abstract = False
    kind = "soak"


SHAPES: dict[str, type[_Shape]] = {shape.kind: shape for shape in (Steps, Ramp, Spike, Soak)}
