"""What is no Socket.IO server ends in one clear sentence, exit code 4, within seconds."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.target import NoServer, Profile, UsageError, find_target, parse_url, read_profile
from tests.conformance.targets import running
from tests.servers import ROOT

SENTENCES = {
    "nothing": "nothing that can be judged listens at",
    "plain_http": "an HTTP server answers at",
    "any_page": "an HTTP server answers at",
    "echo": "a WebSocket server answers at",
    "silent": "accepts connections but stays silent",
    "babble": "does not speak HTTP",
}


@pytest.mark.parametrize("kind", SENTENCES)
def test_the_sentence_names_what_is_there(kind: str) -> None:
    with running(kind) as url, pytest.raises(NoServer) as caught:
        asyncio.run(find_target(parse_url(url), Profile()))
    assert SENTENCES[kind] in str(caught.value)
    assert url in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", SENTENCES)
def test_the_command_ends_with_4(kind: str, tmp_path: Path) -> None:
    with running(kind) as url:
        command = [sys.executable, "-m", "conformance", "--url", url]
        done = subprocess.run(
            command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 4
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert SENTENCES[kind] in done.stderr
    assert done.stderr.count("\n") == 1


def test_pytest_itself_ends_with_4(tmp_path: Path) -> None:
    with running("nothing") as url:
        command = [sys.executable, "-m", "pytest", str(ROOT / "conformance"), "--url", url]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 4
    assert SENTENCES["nothing"] in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("127.0.0.1:5000", "is not a URL like"),
        ("ftp://127.0.0.1", "is not a URL like"),
        ("http://127.0.0.1:5000/socket.io/", "give the endpoint's path with --path"),
        ("http://127.0.0.1:port", "no valid port"),
    ],
)
def test_a_wrong_url_is_named(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_url(url)


def test_https_is_tls_on_port_443() -> None:
    address = parse_url("https://example.org")
    assert address.port == 443
    assert address.tls is not None
    assert address.url == "https://example.org"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[targets]\n", r"unknown section \[targets\]; did you mean 'target'\?"),
        ("[target]\nlibary = 'x'\n", r"unknown key 'libary' in \[target\]; did you mean 'library'\?"),
        ("[target]\ncontract_level = '2'\n", "is not int"),
        ("[capabilities]\nwebsockets = true\n", "did you mean 'websocket'"),
        ("[capabilities]\nwebsocket = 1\n", "is not true or false"),
        ("[settings]\nping_interval = -1\n", "is not a number of seconds"),
        ("[settings]\nping = 1\n", "unknown key 'ping'"),
        ("target = \n", "Invalid value"),
    ],
)
def test_a_wrong_profile_names_section_key_and_the_nearest_valid_one(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=message):
        read_profile(path)


def test_a_profile_is_read(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text(
        "[target]\ncontract_level = 1\ntitle = 'mine'\n"
        "[settings]\nping_interval = 1.5\n[capabilities]\nupgrade = false\n"
    )
    profile = read_profile(path)
    assert profile.contract_level == 1
    assert profile.title == "mine"
    assert profile.settings == {"ping_interval": 1.5}
    assert profile.capabilities == {"upgrade": False}
