"""What a command line says of bad input: one line, with the nearest valid name or the limit."""

from __future__ import annotations

import argparse

import click
import pytest

from sioprobe.commandline.choices import OneOf, one_of
from sioprobe.commandline.help_pages import option
from sioprobe.commandline.nearest import MOST_LISTED, nearest, unknown
from sioprobe.commandline.numbers import Number, WholeNumber
from sioprobe.commandline.one_line import run_command

MANY = [f"name-{number}" for number in range(MOST_LISTED + 1)]


@pytest.mark.parametrize(
    ("wrong", "valid", "words"),
    [
        (
            "webscoket",
            ["polling", "websocket"],
            " (the nearest is 'websocket'; valid are polling, websocket)",
        ),
        ("x", ["polling", "websocket"], " (valid are polling, websocket)"),
        ("nmae-3", MANY, " (the nearest is 'name-3')"),
        ("x", MANY, ""),
        (["polling"], ["polling"], " (the nearest is 'polling'; valid are polling)"),
    ],
)
def test_the_nearest_name_is_told(wrong: object, valid: list[str], words: str) -> None:
    assert nearest(wrong, valid) == words
    assert unknown("name", wrong, valid) == f"unknown name {wrong!r}{words}"


def test_both_parsers_refuse_a_name_in_the_same_words() -> None:
    names = ("polling", "websocket")
    with pytest.raises(click.UsageError) as of_click:
        OneOf("transport", names).convert("pol", None, None)
    with pytest.raises(argparse.ArgumentTypeError) as of_argparse:
        one_of("transport", names)("pol")

    assert of_click.value.format_message() == str(of_argparse.value) == unknown("transport", "pol", names)
    assert OneOf("transport", names).convert("polling", None, None) == one_of("transport", names)("polling")


@click.command()
@click.argument("folder")
@option("--users", type=WholeNumber(1, 9))
@option("--seconds", type=Number(0.5))
@option("--need", required=True)
def command(folder: str, users: int | None, seconds: float | None, need: str) -> None:
    click.echo(f"{folder} {users!r} {seconds!r}")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("f --need x --users 0", "--users: 0 is less than 1"),
        ("f --need x --users 10", "--users: 10 is more than 9"),
        ("f --need x --users 2.5", "--users: '2.5' is not a whole number"),
        ("f --need x --seconds 0.4", "--seconds: 0.4 is less than 0.5"),
        ("f --need x --seconds nan", "--seconds: 'nan' is not a number"),
        ("f --need x --seconds inf", "--seconds: 'inf' is not a number"),
        ("f --need x --user 1", "unknown option '--user' (the nearest is '--users')"),
        ("f --need x --zzz 1", "unknown option '--zzz'"),
        ("f", "--need is missing"),
        ("--need x", "FOLDER is missing"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    words: str, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["program", *words.split()])

    with pytest.raises(SystemExit) as ended:
        run_command(command.main, "program")

    assert ended.value.code == 2
    assert capsys.readouterr().err == f"program: error: {line}\n"


@pytest.mark.parametrize(("users", "seconds"), [("1", "0.5"), ("9", "1")])
def test_good_input_is_converted(
    users: str, seconds: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--need", "x", "--users", users, "--seconds", seconds]
    monkeypatch.setattr("sys.argv", ["program", "f", *given])

    with pytest.raises(SystemExit) as ended:
        run_command(command.main, "program")

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"f {users} {float(seconds)}\n"
