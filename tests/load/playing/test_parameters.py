"""What scenarios declare: values are checked, names are answered with who knows them."""

from __future__ import annotations

import pytest

from load.scenarios import SCENARIOS, Options, Parameter, ParameterError, make_options

WHOLE = Parameter("size", 3, "how many", least=1, most=9)
NUMBER = Parameter("rate", 1.5, "how often", unit="a second", least=0)
SWITCH = Parameter("deep", False, "whether")
CHOICE = Parameter("schedule", "constant", "when", choices=("constant", "poisson"))
ODD = Parameter("odd", 1, "no even number", complaint=lambda value: None if value % 2 else f"{value} is even")


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (WHOLE, "4", 4),
        (NUMBER, "4", 4.0),
        (NUMBER, "0.25", 0.25),
        (SWITCH, "true", True),
        (SWITCH, "False", False),
        (CHOICE, "poisson", "poisson"),
        (ODD, "5", 5),
    ],
)
def test_a_text_becomes_a_value_of_the_type_of_the_default(
    parameter: Parameter, text: str, value: object
) -> None:
    assert parameter.parse(text) == value
    assert type(parameter.parse(text)) is type(parameter.default)


@pytest.mark.parametrize(
    ("parameter", "text", "problem"),
    [
        (WHOLE, "x", "'x' is not a whole number"),
        (WHOLE, "1.5", "'1.5' is not a whole number"),
        (WHOLE, "0", "0 is less than 1"),
        (WHOLE, "10", "10 is more than 9"),
        (NUMBER, "nan", "nan is not a number"),
        (NUMBER, "inf", "inf is not a number"),
        (NUMBER, "-0.5", "-0.5 is less than 0"),
        (SWITCH, "maybe", "'maybe' is not true or false"),
        (
            CHOICE,
            "poison",
            "unknown schedule 'poison' (the nearest is 'poisson'; valid are constant, poisson)",
        ),
        (ODD, "2", "2 is even"),
    ],
)
def test_a_wrong_text_is_refused_in_one_line(parameter: Parameter, text: str, problem: str) -> None:
    with pytest.raises(ParameterError) as caught:
        parameter.parse(text)

    assert (caught.value.name, caught.value.problem) == (parameter.name, problem)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [(WHOLE, True), (WHOLE, 2.0), (WHOLE, "2"), (NUMBER, True), (SWITCH, 1), (CHOICE, ["poisson"])],
)
def test_json_of_another_type_is_refused(parameter: Parameter, value: object) -> None:
    with pytest.raises(ParameterError):
        parameter.accept(value)


def test_options_are_what_was_given_and_the_defaults() -> None:
    options = Options((WHOLE, NUMBER), {"rate": 2})

    assert dict(options) == {"size": 3, "rate": 2.0}
    assert (options.size, options["rate"]) == (3, 2.0)
    with pytest.raises(AttributeError, match="declares no parameter 'deep'"):
        _ = options.deep


def test_a_name_that_others_know_says_who() -> None:
    with pytest.raises(ParameterError, match=r"room_size: scenario ack does not know it \(fanout, slow do\)"):
        make_options("ack", {"room_size": 3})
    with pytest.raises(ParameterError, match=r"room_siez: unknown \(the nearest is 'room_size'\)"):
        make_options("ack", {"room_siez": 3})


def test_scenarios_that_share_a_name_mean_the_same_by_it() -> None:
    seen: dict[str, Parameter] = {}
    for scenario in SCENARIOS.values():
        assert scenario.title
        assert "namespace" in {parameter.name for parameter in scenario.parameters}
        for own in scenario.parameters:
            other = seen.setdefault(own.name, own)
            assert type(own.default) is type(other.default)
            assert (own.unit, own.least, own.most, own.choices) == (
                other.unit,
                other.least,
                other.most,
                other.choices,
            )


def test_defaults_are_values_that_would_be_accepted() -> None:
    for scenario in SCENARIOS.values():
        for parameter in scenario.parameters:
            assert parameter.accept(parameter.default) == parameter.default
