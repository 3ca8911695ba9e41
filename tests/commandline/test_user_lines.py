"""`--auth @FILE.jsonl` and the same for headers, cookies and the query: a line for each user."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from sioprobe.commandline.connection_arguments import add_connection_options
from sioprobe.commandline.connection_options import ConnectionOptions, OptionError


def options(folder: Path, *words: str, per_user: bool = True) -> ConnectionOptions:
    parser = argparse.ArgumentParser()
    add_connection_options(parser.add_argument, per_user=True)
    return ConnectionOptions.read(parser.parse_args(words), folder, per_user=per_user)


def write(folder: Path, name: str, *lines: object) -> str:
    (folder / name).write_text(
        "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines)
    )
    return f"@{name}"


def test_each_user_shows_its_line_on_top_of_what_all_show(tmp_path: Path) -> None:
    auth = write(tmp_path, "tokens.jsonl", {"token": "secret-a"}, "", {"token": "secret-b"}, {"token": "c"})
    header = write(tmp_path, "headers.jsonl", {"X-User": "a", "X-Tenant": "own"}, {"X-User": "b"})
    words = ["--auth", auth, "--header", header, "--header", "X-Tenant: all", "--query", "q=1"]
    given = options(tmp_path, *words)

    assert len(given.per_user) == 2
    first, second = given.of_user(0), given.of_user(1)
    assert (first.auth, first.headers) == ({"token": "secret-a"}, {"X-User": "a", "X-Tenant": "own"})
    assert (second.auth, second.headers) == ({"token": "secret-b"}, {"X-User": "b", "X-Tenant": "all"})
    assert first.query == second.query == {"q": "1"}
    assert first.per_user == ()
    assert given.redact("secret-b of secret-a") == "*** of ***"
    assert "secret" not in repr(given)
    assert given.given[:4] == ("--auth", "@tokens.jsonl", "--header", "@headers.jsonl")
    given.check_users(2)
    with pytest.raises(OptionError) as caught:
        given.check_users(3)
    line = "--header @headers.jsonl has 2 line(s) for 3 users: each takes one of its own"
    assert str(caught.value) == line


def test_they_pass_through_json_and_files(tmp_path: Path) -> None:
    words = []
    for name, first, second in (
        ("auth", {"token": "a"}, {"token": "b"}),
        ("cookie", {"session": "a"}, {"session": "b"}),
        ("query", {"q": "a"}, {"q": "b"}),
    ):
        words += [f"--{name}", write(tmp_path, f"{name}s.jsonl", first, second)]
    given = options(tmp_path, *words)

    assert ConnectionOptions.from_json(json.loads(json.dumps(given.to_json()))) == given
    folder = tmp_path / "handed on"
    folder.mkdir()
    arguments = given.arguments(folder)
    assert options(tmp_path, *arguments) == given
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("option", "lines", "line"),
    [
        ("auth", ['{"token": "secret"}', "secret"], "line 2 is not JSON (Expecting value at character 1)"),
        ("auth", ['["secret"]'], "line 1 is an array, not a JSON object"),
        ("header", ['{"Upgrade": "secret"}'], "line 1 has a wrong name or value: 'Upgrade' cannot be set"),
        ("cookie", ['{"a": "secret;b"}'], "line 1 has a wrong name or value: 'a' is no cookie"),
        ("query", ['{"a": 7341}'], "line 1 has no text as the value of 'a'"),
        ("query", ['{"a": "secret\\nb"}'], "line 1 has a line break in the value of 'a'"),
        ("auth", ["", " "], "is empty: it holds a JSON object a line, each for one user"),
    ],
)
def test_a_wrong_line_is_named_and_not_repeated(
    tmp_path: Path, option: str, lines: list[str], line: str
) -> None:
    with pytest.raises(OptionError) as caught:
        options(tmp_path, f"--{option}", write(tmp_path, "users.jsonl", *lines))

    assert str(caught.value).startswith(f"--{option} @users.jsonl {line}")
    assert "secret" not in str(caught.value)
    assert "7341" not in str(caught.value)


def test_a_command_where_all_show_the_same_refuses_them(tmp_path: Path) -> None:
    with pytest.raises(OptionError) as caught:
        options(tmp_path, "--auth", write(tmp_path, "tokens.jsonl", {}), per_user=False)

    assert str(caught.value) == (
        "--auth @tokens.jsonl has a line for each user, and here all show the same:"
        " sioprobe load, capacity and survey take such a file"
    )


def test_a_file_of_several_objects_that_is_not_named_so_gets_a_hint(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"Extra data .*; a file with a line .* FILE\.jsonl$"):
        options(tmp_path, "--auth", write(tmp_path, "tokens.txt", {"a": 1}, {"a": 2}))
