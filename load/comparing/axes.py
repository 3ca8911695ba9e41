"""The axes of a comparison: how many server processes, and which queue joins them.

`workers = [1, 2]` and `queue = ["redis", "rabbitmq"]` of an arm in a profile make an arm for each pair, and
`--workers 1,2 --queue redis,rabbitmq` does so for every async mode. They are also those of the section
`processes`. Names and meaning are those of `sioprobe serve`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from load.comparing.arms import ArmPlan
from load.comparing.plan import Profile
from sioprobe.commandline.choices import Listed
from sioprobe.commandline.help_pages import option
from sioprobe.commandline.numbers import WholeNumber

__all__ = ["COMPARED", "Axes", "axis_options"]

SECTION = "processes"
COMPARED = "What is compared"
WORKERS = (1, 2)
QUEUES = ("redis",)
"""The values of an axis if only the other one is given."""


def axis_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--workers` and `--queue`."""
    queue = option(
        "--queue", "queues", group=COMPARED, metavar="NAME,NAME", type=Listed(click.STRING), default=(),
        help="Compare each async mode behind these queues of `sioprobe serve --list`.",
    )  # fmt: skip
    workers = option(
        "--workers", group=COMPARED, metavar="N,N", type=Listed(WholeNumber(1, 64)), default=(),
        help="Compare each async mode with these numbers of server processes.",
    )  # fmt: skip
    return workers(queue(command))


def _can_spread(arm: ArmPlan) -> bool:
    return bool(arm.mode) and not arm.own and arm.load and arm.processes == 1


@dataclass(frozen=True, slots=True)
class Axes:
    """What the command line says. Empty is what was not given."""

    workers: tuple[int, ...] = ()
    queues: tuple[str, ...] = ()

    def over(self, profile: Profile, sections: Sequence[str]) -> Profile:
        """The profile with these axes. Only the section has them if `sections` alone are measured.

        Raises UsageError if there is nothing that can have them.
        """
        if not self.workers and not self.queues:
            return profile
        if SECTION in profile.sections:
            given = {"workers": list(self.workers), "queue": list(self.queues)}
            table = {**profile.sections[SECTION], **{key: value for key, value in given.items() if value}}
            profile = replace(profile, sections={**profile.sections, SECTION: table})
        if sections:
            if SECTION not in sections:
                raise click.UsageError(f"--workers and --queue are for the section {SECTION}")
            return profile
        if not any(map(_can_spread, profile.arms)):
            raise click.UsageError("--workers and --queue need an arm in an async mode that has no queue yet")
        return replace(profile, arms=tuple(self._arms(profile)))

    def _arms(self, profile: Profile) -> Iterator[ArmPlan]:
        there = {(arm.mode, arm.workers, arm.queue) for arm in profile.arms if not arm.own}
        for arm in profile.arms:
            yield arm
            if not _can_spread(arm):
                continue
            for queue in self.queues or QUEUES:
                for workers in self.workers or WORKERS:
                    if (arm.mode, workers, queue) not in there:
                        yield arm.behind(queue, workers)
