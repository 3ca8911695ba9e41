"""How `load/swarm.py` reaches a server: through TLS, with headers and cookies."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sioprobe.commandline.connection_options import OptionError, add_connection_options, target_options
from sioprobe.engine import SwarmError, Target
from tests.engine.tls_front import TlsFront, make_authority
from tests.load.endings import assert_nothing_failed
from tests.servers import ROOT, start_command


def locust(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("locust")), "-f", str(ROOT / "load" / "swarm.py")]
    return subprocess.run(
        [*command, "--headless", "--only-summary", "--loglevel", "ERROR", "-u", "2", "-t", "2s", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


def test_a_swarm_reaches_a_server_behind_tls(tmp_path: Path) -> None:
    context, ca_file = make_authority(tmp_path)
    summary = tmp_path / "summary.json"
    with (
        start_command([sys.executable, "-m", "tests.strict_server"]) as server,
        TlsFront(context, server.url) as front,
    ):
        untrusted = locust("--host", front.url)
        trusted = locust(
            *("--host", front.url, "--ca-file", ca_file, "--transport", "upgrade"),
            *("--header", "X-Token: a:b", "--cookie", "a=1", "--cookie", "b=2", "--query", "tenant=x=y"),
            *("--summary-json", str(summary)),
        )

    assert untrusted.returncode == 2
    assert untrusted.stderr.startswith(f"locust: error: {front.url} is refused by TLS: CERTIFICATE_VERIFY")
    assert_nothing_failed(trusted.returncode, trusted.stderr)
    series = {entry["type"]: entry for entry in json.loads(summary.read_text())["series"]}
    assert series["SIO ack"]["count"] > 0
    assert all(entry["errors"] == {} for entry in series.values())


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_connection_options(
        lambda *flags, include_in_web_ui, **keywords: parser.add_argument(*flags, **keywords)
    )
    return parser.parse_args(arguments)


def test_options_become_a_target() -> None:
    target = Target.from_url(
        "http://127.0.0.1:1",
        **target_options(options("--header", "X-Token: a:b", "--cookie", "a=1=2", "--query", "q=x y")),
    )

    assert target.headers == (("X-Token", "a:b"),)
    assert target.cookies == (("a", "1=2"),)
    assert target.query == (("q", "x y"),)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--header", "no value"], "--header is not NAME:VALUE"),
        (["--header", "Upgrade: x"], "'Upgrade' cannot be set"),
        (["--cookie", "a"], "--cookie is not NAME=VALUE"),
        (["--ca-file", "nowhere.pem"], "nowhere.pem (No such file or directory)"),
    ],
)
def test_a_wrong_option_is_named(arguments: list[str], line: str) -> None:
    with pytest.raises((SwarmError, OptionError)) as caught:
        Target.from_url("https://127.0.0.1:1", **target_options(options(*arguments)))

    assert getattr(caught.value, "detail", str(caught.value)) == line


def test_a_wrong_option_gets_one_line_and_exit_code_2() -> None:
    done = locust("--host", "https://127.0.0.1:1", "--header", "Upgrade: x")

    assert done.returncode == 2
    assert done.stderr.splitlines() == ["locust: error: 'Upgrade' cannot be set"]
