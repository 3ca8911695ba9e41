"""How `load/swarm.py` reaches a server: through TLS, with headers and cookies."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sioprobe.commandline.connection_arguments import add_connection_options, add_packing_option
from sioprobe.commandline.connection_options import ConnectionOptions, OptionError
from sioprobe.engine import SwarmError, Target
from sioprobe.wire.endpoint import endpoint_path
from tests.engine.tls_front import TlsFront, make_authority
from tests.load.endings import assert_nothing_failed
from tests.load.locusts import headless
from tests.servers import start_command

QUIET = ("--loglevel", "ERROR", "-u", "2", "-t", "60s")


def test_a_swarm_reaches_a_server_behind_tls(tmp_path: Path) -> None:
    context, ca_file = make_authority(tmp_path)
    summary = tmp_path / "summary.json"
    with (
        start_command([sys.executable, "-m", "tests.strict_server"]) as server,
        TlsFront(context, server.url) as front,
    ):
        untrusted = headless(*QUIET, "--host", front.url)
        trusted = headless(
            *(*QUIET, "--host", front.url, "--ca-file", ca_file, "--transport", "upgrade"),
            *("--header", "X-Token: a:b", "--cookie", "a=1", "--cookie", "b=2", "--query", "tenant=x=y"),
            *("--summary-json", str(summary)),
            until={"SIO ack": 1},
        )

    assert untrusted.returncode == 2
    assert untrusted.stderr.startswith(f"locust: error: TLS to {front.url} failed: CERTIFICATE_VERIFY")
    assert_nothing_failed(trusted.returncode, trusted.stderr)
    series = {entry["type"]: entry for entry in json.loads(summary.read_text())["series"]}
    assert series["SIO ack"]["count"] > 0
    assert all(entry["errors"] == {} for entry in series.values())


def options(*arguments: str) -> ConnectionOptions:
    parser = argparse.ArgumentParser()
    add_connection_options(parser.add_argument)
    add_packing_option(parser.add_argument)
    return ConnectionOptions.read(parser.parse_args(arguments))


def test_options_become_a_target() -> None:
    given = options(
        "--header",
        "X-Token: a:b",
        "--cookie",
        "a=1=2",
        "--query",
        "q=x y",
        "--path",
        "chat",
        "--max-packets-per-post",
        "16",
    )

    target = Target.from_url("http://127.0.0.1:1", given.path, **given.target_arguments())

    assert target.headers == (("X-Token", "a:b"),)
    assert target.cookies == (("a", "1=2"),)
    assert target.query == (("q", "x y"),)
    assert target.path == "/chat/"
    assert target.max_packets_per_post == 16


@pytest.mark.parametrize("given", ["ws/socket.io", "/ws/socket.io", "/ws/socket.io/"])
def test_the_path_has_a_final_slash_as_with_the_official_clients(given: str) -> None:
    """From every place: an option, a profile, the request of a block."""
    assert options("--path", given).path == "/ws/socket.io/"
    assert ConnectionOptions.from_json({"path": given}).path == "/ws/socket.io/"
    assert ConnectionOptions(path=given).path == "/ws/socket.io/"
    assert Target.from_url("http://127.0.0.1:1", given).path == "/ws/socket.io/"
    assert endpoint_path("/") == endpoint_path("") == "/"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("/io/?token=secret", "--path has a query; give it with --query NAME=VALUE"),
        ("http://h/io/", "--path is a URL; write its path alone, such as /socket.io/"),
        ("/a b/", "--path has a character that no path has; write it as %20 and the like"),
        ("/a#b", "--path has a character that no path has; write it as %20 and the like"),
        ("/a\r\nX: y", "--path has a character that no path has; write it as %20 and the like"),
        ("/caf\u00e9/", "--path has a character that no path has; write it as %20 and the like"),
    ],
)
def test_a_path_that_holds_more_is_refused(given: str, line: str) -> None:
    with pytest.raises(OptionError) as caught:
        options("--path", given)

    assert str(caught.value) == line


def test_a_plan_says_how_clients_come_and_holds_no_secret() -> None:
    given = options(
        "--path", "/io/", "--auth", '{"t": "secret"}', "--header", "B: secret", "--header", "A: b"
    )

    assert given.as_plan() == {
        "path": "/io/",
        "max_packets_per_post": 0,
        "auth": True,
        "headers": ["A", "B"],
        "cookies": [],
        "query": [],
    }


def test_they_pass_through_json() -> None:
    given = options(
        "--auth",
        '{"a": 1}',
        "--header",
        "X-Token: a",
        "--no-verify",
        "--ca-file",
        __file__,
        "--max-packets-per-post",
        "9",
    )

    assert ConnectionOptions.from_json(json.loads(json.dumps(given.to_json()))) == given
    assert ConnectionOptions().to_json() == {}


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"headers": ["a"]}, "headers is not an object whose values are text"),
        ({"query": {"a": 1}}, "query is not an object whose values are text"),
        ({"path": 3}, "path = 3 is not text"),
        ({"verify": 0}, "verify = 0 is not true or false"),
        ({"max_packets_per_post": True}, "max_packets_per_post = True is not a whole number"),
        ({"max_packets_per_post": -1}, "max_packets_per_post = -1 is less than 0"),
        ({"auth": []}, "auth is an array, not a JSON object such as"),
    ],
)
def test_json_of_another_kind_is_refused(data: dict[str, Any], line: str) -> None:
    with pytest.raises(OptionError) as caught:
        ConnectionOptions.from_json(data)

    assert str(caught.value).startswith(line)


def test_another_process_is_told_the_limit_of_a_post_unless_it_has_no_such_option(tmp_path: Path) -> None:
    given = options("--max-packets-per-post", "16")

    assert options(*given.arguments(tmp_path)) == given
    assert given.given == ("--max-packets-per-post", "16")
    assert given.arguments(tmp_path, packing=False) == ["--path=/socket.io/"]


def test_a_limit_of_a_post_that_is_no_number_is_named() -> None:
    done = headless(*QUIET, "--host", "http://127.0.0.1:1", "--max-packets-per-post", "-1")

    assert done.returncode == 2
    assert "argument --max-packets-per-post: '-1' is not a whole number from 0" in done.stderr


def test_a_file_of_certificates_that_is_missing_is_named() -> None:
    with pytest.raises(OptionError) as caught:
        options("--ca-file", "nowhere.pem")

    assert str(caught.value) == "--ca-file nowhere.pem: No such file or directory"


def test_a_file_without_certificates_is_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()

    with pytest.raises(SwarmError) as caught:
        Target.from_url("https://127.0.0.1:1", **options("--ca-file", str(empty)).target_arguments())

    assert caught.value.detail.startswith(f"{empty} cannot be used: ")


def test_a_wrong_option_gets_one_line_and_exit_code_2() -> None:
    done = headless(*QUIET, "--host", "https://127.0.0.1:1", "--header", "Upgrade: x")

    assert done.returncode == 2
    assert done.stderr.splitlines() == ["locust: error: --header 'Upgrade' cannot be set"]
