"""How a run ended: which `--fail-if` hold, the exit code, and a hint at the reason."""

from __future__ import annotations

from collections.abc import Iterable

from load.running.fail_if import MEMORY_PER_LIFE, Condition, Figures
from sioprobe.commandline.own_limits import advice_on
from sioprobe.measured.limits import advice
from sioprobe.results.loads import RunResult, Threshold

__all__ = ["EXIT_CODES", "exit_code", "hints", "thresholds_of", "waits_for_server"]

EXIT_CODES = {
    0: "no operation failed, and the run is VALID or SUSPECT",
    1: "operations failed or users did not get in; with a --fail-if on errors, more than that allows",
    2: "bad input, or no Socket.IO server at that URL",
    3: "no operation failed, but the run is INVALID or a --fail-if holds",
    130: "stopped by Ctrl-C; the figures so far are printed",
}


def thresholds_of(result: RunResult, conditions: Iterable[str]) -> list[Threshold]:
    """Each `--fail-if` with what was measured, and whether it is broken.

    If its figure was not measured, it counts as broken: a gate without an answer stays shut.
    """
    figures = Figures.of_run(result)
    return [
        Threshold(
            fail_if=condition.text,
            figure=condition.figure,
            measured=condition.show(condition.measured(figures)),
            broken=condition.holds(figures) is not False,
        )
        for condition in map(Condition.parse, conditions)
    ]


def waits_for_server(conditions: Iterable[str]) -> bool:
    """Whether a `--fail-if` needs what is found at the end of the cool-down."""
    return any(Condition.parse(text).figure == MEMORY_PER_LIFE for text in conditions)


def exit_code(result: RunResult) -> int:
    """0, 1 or 3, as in EXIT_CODES."""
    of_errors = [threshold.broken for threshold in result.thresholds if threshold.figure == "errors"]
    if any(of_errors) or (not of_errors and result.errors):
        return 1
    if any(threshold.broken for threshold in result.thresholds):
        return 3
    return 3 if result.validity.verdict == "INVALID" else 0


def hints(result: RunResult) -> list[str]:
    """A hint, if the server left users waiting, or let them in and answered nothing."""
    return [*_of_waiting(result), *_of_silence(result)]


def _of_waiting(result: RunResult) -> list[str]:
    if result.connected is None or result.users is None or result.connected >= result.users:
        return []
    if any(advice_on(kind) for kind in result.errors):
        return []  # the verdict names the limit of our own
    return [
        "not all users got in: 'sioprobe doctor' says how many connections the server takes, and which"
        " setting limits them."
    ]


def _of_silence(result: RunResult) -> list[str]:
    connected = any(series.type == "SIO connect" and series.latency for series in result.series)
    if result.operation is None or result.operations or not connected or advice(result.errors):
        return []
    if result.scenario == "call":
        return [
            "connections were made, but nothing was answered: --answer says what answers the event, --match"
            " which answer is the right one, --namespace where it is sent, and --on-start what a user sends"
            " first, such as a login."
        ]
    return [
        f"connections were made, but nothing was answered: the scenario {result.scenario} needs the events"
        " that 'sioprobe conform --contract' prints. idle, storm and churn with --acks 0 need none. Does"
        " your application have events of its own? Then use --scenario call, or write tasks with"
        " SocketIOUser."
    ]
