"""What the locustfile says of a run as a whole: calibration, `--fail-if`, the exit code.

Locust makes its exit code before it has closed everything: the test is stopped for it, and judged.
"""

from __future__ import annotations

import argparse
from typing import Any

from locust.env import Environment
from locust.runners import STATE_CLEANUP, STATE_INIT, STATE_STOPPED, STATE_STOPPING, MasterRunner

from load.blocks.calibration import floor_of_run
from load.running.fail_if import Condition, ConditionError
from load.running.outcome import broken_thresholds, exit_code, hints
from sioprobe.locusts.statistics import LocustStatistics
from sioprobe.measured import Floor

__all__ = ["add_arguments", "attach", "calibrate", "conclude"]


def condition(text: str) -> str:
    """An argparse type: a condition that can be read, as text, for Locust sends options to its workers."""
    try:
        Condition.parse(text)
    except ConditionError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def add_arguments(parser: Any) -> None:
    """Options that no web page needs."""
    parser.add_argument(
        "--fail-if",
        action="append",
        default=[],
        type=condition,
        metavar="CONDITION",
        include_in_web_ui=False,
        help="exit code 3 when this holds at the end, such as 'p99>50ms', 'reach<100%%', 'rate<1000/s';"
        " repeatable",
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        include_in_web_ui=False,
        help="measure the generator's own floor against the null server beforehand (takes 3 s)",
    )


def attach(environment: Environment, block: dict[str, Any], users: int) -> None:
    """Headless: calibrate with that block request where asked to, and have the exit code say the verdict."""
    calibrate(environment, block, users)
    # The first of the listeners is called last: the test has been stopped by then.
    environment.events.quitting._handlers.insert(0, _say_by_exit_code)


def calibrate(environment: Environment, block: dict[str, Any], users: int) -> None:
    """Measure the floor of the generator where that is asked for, and keep it, or why there is none."""
    options, runner = environment.parsed_options, environment.runner
    if not options.calibrate:
        return
    statistics = LocustStatistics.of(environment)
    found = floor_of_run(block, users, options.expect_workers if isinstance(runner, MasterRunner) else 1)
    statistics.floor = found if isinstance(found, Floor) else None
    statistics.calibration = None if isinstance(found, Floor) else found


def _say_by_exit_code(environment: Environment, **_: Any) -> None:
    runner, options = environment.runner, environment.parsed_options
    if environment.process_exit_code is not None:
        return
    if runner.state not in (STATE_INIT, STATE_CLEANUP, STATE_STOPPING, STATE_STOPPED):
        # Stopped by a signal: what is under way counts too.
        runner.stop()
    code = exit_code(conclude(environment))
    if code == 1:
        environment.process_exit_code = options.exit_code_on_error
    elif code or not runner.exceptions:
        environment.process_exit_code = code


def conclude(environment: Environment) -> dict[str, Any]:
    """The summary of the run, with its thresholds."""
    statistics = LocustStatistics.of(environment)
    summary = statistics.summary()
    if statistics.calibration is not None:
        summary["calibration"] = statistics.calibration
    thresholds = broken_thresholds(summary, environment.parsed_options.fail_if)
    return {**summary, "notes": [*summary["notes"], *hints(summary)], "thresholds": thresholds}
