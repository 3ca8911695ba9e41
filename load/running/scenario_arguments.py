"""The parameters of all scenarios as options of the locustfile and fields of Locust's web page.

Each option is a text here. An empty one stands for the default of the scenario, which the web page may still
change.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from load.playing.parameters import json_text
from load.running.fail_if import Condition
from load.scenarios import (
    SCENARIOS,
    Options,
    Parameter,
    ParameterError,
    TransportError,
    all_parameters,
    check_transport,
    make_options,
    scenarios_with,
)
from load.scenarios.registry import who_knows
from load.servers.placement import PlacementError, check_addresses, parse_addresses

__all__ = ["add_scenario_arguments", "default_of", "defaults_of", "options_of", "problem_with_arguments"]


def default_of(parameter: Parameter) -> str:
    """Its default as text."""
    return f"{parameter.default:g}" if parameter.kind == "number" else str(parameter.default)


def defaults_of(parameter: Parameter, scenarios: Iterable[str] = SCENARIOS) -> str:
    """`default 32`, or where these scenarios differ `default 32 (ack, echo), 10000 (slow)`; or nothing."""
    by_default: dict[str, list[str]] = {}
    for scenario, own in scenarios_with(parameter.name).items():
        if scenario in scenarios:
            by_default.setdefault(default_of(own), []).append(scenario)
    if set(by_default) <= {"", "[]"}:
        return ""
    if len(by_default) == 1:
        return f"default {next(iter(by_default))}"
    return "default " + ", ".join(f"{value} ({', '.join(of)})" for value, of in by_default.items())


def help_of(parameter: Parameter) -> str:
    """One line: what it means, its unit, the scenarios that know it, and its default."""
    declared = scenarios_with(parameter.name)
    unit = f" ({parameter.unit})" if parameter.unit else ""
    scenarios = "every scenario" if len(declared) == len(SCENARIOS) else ", ".join(declared)
    parts = (f"{parameter.help}{unit}", scenarios, defaults_of(parameter))
    return "; ".join(part for part in parts if part)


def add_scenario_arguments(parser: Any) -> None:
    """Add one option for each parameter, not in an argument group: the web page would not show them."""
    for parameter in all_parameters().values():
        more: dict[str, Any] = {}
        if parameter.choices or parameter.kind == "true or false":
            # The web page shows a list of choices. The first stands for the default of the scenario.
            more["choices"] = ("", *(parameter.choices or ("true", "false")))
        if parameter.repeatable:
            more["action"] = _Collected
        parser.add_argument(
            parameter.option,
            type=_checked(parameter),
            default="",
            metavar="|".join(parameter.choices) or parameter.name.upper(),
            help=help_of(parameter).replace("%", "%%"),
            **more,
        )


class _Collected(argparse.Action):
    """Each further text of an option joins those before, as the text of a JSON array."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        given = [*getattr(namespace, f"_{self.dest}", ()), values]
        setattr(namespace, f"_{self.dest}", given)
        setattr(namespace, self.dest, json_text(given, self.dest) if len(given) > 1 else values)


def _checked(parameter: Parameter) -> Any:
    """An argparse type that refuses what the parameter refuses. The value stays a text."""

    def convert(text: str) -> str:
        if text:
            try:
                parameter.parse(text)
            except ParameterError as error:
                raise argparse.ArgumentTypeError(error.problem) from None
        return text

    return convert


def options_of(parsed: Any) -> Options:
    """The options of the chosen scenario, without those of others. Raises ParameterError."""
    given: dict[str, object] = {}
    for parameter in SCENARIOS[parsed.scenario].parameters:
        text = str(getattr(parsed, parameter.name, ""))
        if text:
            given[parameter.name] = parameter.parse(text)
    return make_options(parsed.scenario, given)


def problem_with_arguments(parsed: Any) -> str | None:
    """One line about an option or a condition that does not go with the chosen scenario, or None."""
    try:
        check_transport(parsed.scenario, parsed.transport)
    except TransportError as error:
        return error.as_options
    known = {parameter.name for parameter in SCENARIOS[parsed.scenario].parameters}
    for name, parameter in all_parameters().items():
        if name not in known and str(getattr(parsed, name, "")):
            return f"argument {parameter.option}: {who_knows(parsed.scenario, name)}"
    return _unknown_figure(parsed) or _contradiction(parsed) or _unusable_here(parsed)


def _unknown_figure(parsed: Any) -> str | None:
    """One line about a condition on a figure that this scenario never has, or None."""
    conditions = map(Condition.parse, parsed.fail_if)
    problems = (condition.problem_with(parsed.scenario) for condition in conditions)
    problem = next(filter(None, problems), None)
    return f"argument --fail-if: {problem}" if problem is not None else None


def _contradiction(parsed: Any) -> str | None:
    """One line about a schedule that has no rate, or None."""
    rates = [parsed.shape_rate, *(getattr(parsed, name, "") for name in ("rate", "total_rate"))]
    if not any(text and text.strip("0.") for text in rates):
        for name in ("schedule", "max_outstanding"):
            if str(getattr(parsed, name, "")):
                option = all_parameters()[name].option
                return f"argument {option}: needs --rate, --total-rate or --shape-rate"
    return None


def _unusable_here(parsed: Any) -> str | None:
    """One line about an address or a folder that this machine does not have, or None.

    Workers of a master may run elsewhere, and so may have the addresses.
    """
    try:
        if not (parsed.master or parsed.processes):
            check_addresses(parse_addresses(parsed.source_addresses))
    except PlacementError as error:
        return f"--source-addresses: {error}"
    if parsed.summary_json:
        file = Path(parsed.summary_json)
        if file.is_dir():
            return f"--summary-json {file}: is a folder"
        if not file.absolute().parent.is_dir():
            return f"--summary-json {file}: there is no folder {file.parent}"
    return None
