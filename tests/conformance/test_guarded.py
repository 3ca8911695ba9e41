"""Servers that want to be shown something: by certificate, header, cookie, query or auth payload."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
import pytest

from conformance.__main__ import main as judge
from tests.conformance.guarding_front import GuardingFront, guarding
from tests.engine.tls_front import make_authority
from tests.in_process import run_here
from tests.servers import ROOT, start_command, start_server

HEADER = ("Authorization", "Bearer header-c03e77")
COOKIE = ("ticket", "cookie-9d2a64")
TOKEN = "auth-5b1f90"
SECRETS = ("header-c03e77", "cookie-9d2a64", TOKEN, "query e8f415", "query%20e8f415", "query+e8f415")

# Every kind of request and of connection goes through the front. The other areas send no other
# kind, and they wait for heartbeats, which takes longer than all the rest.
ASKED_THROUGH_IT = (
    "EIO-HS", "EIO-PL", "EIO-WS", "EIO-UP", "EIO-CL", "SIO-CN", "SIO-EV", "SIO-BN", "SIO-RM", "EIO3",
)  # fmt: skip

Done = subprocess.CompletedProcess[str]

# Every program that the judge starts, itself included, as a list of processes would show it.
NOTE_PROGRAMS = """
import sys
sys.stderr.flush()
with open({log!r}, "a") as log:
    print(sys.orig_argv, file=log)

def note(event, arguments):
    if event in ("subprocess.Popen", "os.exec"):
        with open({log!r}, "a") as log:
            print(arguments, file=log)

sys.addaudithook(note)
"""


def conform(folder: Path, *words: str, **environment: str) -> Done:
    """`sioprobe conform WORDS` in this folder."""
    return subprocess.run(
        [sys.executable, "-m", "sioprobe", "conform", *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", **environment},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


def files_with(folder: Path, **options: str) -> list[str]:
    """The options, each by a file that holds its value."""
    words = []
    for name, value in options.items():
        (folder / f"{name}.txt").write_text(value)
        words += [f"--{name}", f"@{folder / name}.txt"]
    return words


def verdicts_of(file: Path) -> dict[tuple[str, str, str | None], str]:
    """By requirement, case and transport."""
    cases: list[dict[str, Any]] = json.loads(file.read_text())["cases"]
    return {(case["id"], case["case"], case["transport"]): case["verdict"] for case in cases}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GuardingFront, str, str]]:
    """A front that lets in who shows both, the file of its authority, and the URL of the server behind."""
    context, authority = make_authority(tmp_path_factory.mktemp("authority"))
    with (
        start_server("gevent", ping_interval=1, ping_timeout=3) as server,
        guarding(context, server.url, HEADER, COOKIE) as front,
    ):
        yield front, authority, server.url


def test_a_server_behind_a_guarding_proxy_gets_the_same_verdicts(
    guarded: tuple[GuardingFront, str, str], tmp_path: Path
) -> None:
    """Every request shows header and cookie, and comes back by the route that the proxy has set."""
    front, authority, behind = guarded
    shown = files_with(tmp_path, header=": ".join(HEADER), cookie="=".join(COOKIE))
    refused = len(front.refused)
    words = {"plain": ["--url", behind], "front": ["--url", front.url, "--ca-file", authority, *shown]}
    differing: list[str] = []
    in_areas = [word for area in ASKED_THROUGH_IT for word in ("--area", area)]

    for _ in range(3):  # a busy machine may cost one of them a heartbeat: then both are asked again
        asked = [word for id_ in differing for word in ("--id", id_)] or in_areas
        for name in words:
            done = conform(tmp_path, *words[name], *asked, "--report", f"{name}.json")
            assert done.returncode in (0, 1), done.stdout + done.stderr
        plain, through = (verdicts_of(tmp_path / f"{name}.json") for name in words)
        assert plain.keys() == through.keys()
        differing = sorted({key[0] for key in plain if plain[key] != through[key]})
        if not differing:
            break

    assert differing == [], done.stdout
    assert front.refused[refused:] == []
    assert front.passed > 500
    # What the cases have made up is of no session, and has no route.
    assert front.strayed <= {"AAAAAAAAAAAAAAAAAAAA"}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], " failed: CERTIFICATE_VERIFY_FAILED (unable to get local issuer certificate); --ca-file trusts "
         "its authority, --no-verify takes any certificate\n"),
        (["--no-verify"], "lets nobody in at /socket.io/: the handshake got HTTP 403; --header, --cookie or "
         "--query may show what it wants\n"),
        (["--no-verify", "--header", ": ".join(HEADER)], "the handshake got HTTP 403; --header"),
    ],
)  # fmt: skip
def test_who_shows_less_gets_one_line_and_4(
    words: list[str], line: str, guarded: tuple[GuardingFront, str, str]
) -> None:
    front, _, _ = guarded

    done = run_here(judge, "sioprobe conform", "--url", front.url, *words)

    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.count("\n") == 1
    assert line in done.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--ca-file", "no.pem"], "--ca-file no.pem: No such file or directory"),
        (["--header", "secret-alone"], "--header is not NAME:VALUE"),
        (["--header", "Content-Length: 3"], "--header 'Content-Length' cannot be set"),
        (["--cookie=@no.txt"], "--cookie @no.txt: No such file or directory"),
        (["--auth", "[1]"], '--auth is an array, not a JSON object such as {"token": "..."}'),
        (["--url", "https://user:password@127.0.0.1:9"], "has a user name in front of it"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(words: list[str], line: str) -> None:
    url = [] if "--url" in words else ["--url", "https://127.0.0.1:9"]
    with pytest.raises(click.UsageError) as refused:
        judge.main([*url, *words], standalone_mode=False)

    assert line in refused.value.message
    assert "secret-alone" not in refused.value.message
    assert "password" not in refused.value.message


def test_pytest_takes_the_options_too(tmp_path: Path) -> None:
    """And tells of one that cannot be used in one line, with exit code 2."""
    command = [sys.executable, "-m", "pytest", str(ROOT / "conformance"), "--url", "https://127.0.0.1:9"]
    done = subprocess.run(
        [*command, "--cookie=@no.txt"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2
    assert "--cookie @no.txt: No such file or directory" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


AREAS = [word for area in ("SIO-CN", "SIO-CE", "SIO-NS", "EIO-PL", "EIO-HS") for word in ("--area", area)]


def test_a_server_that_connects_nobody_without_its_token_is_judged_with_it(tmp_path: Path) -> None:
    """It gets the verdicts of the same server without a token; a case about none of it does not apply."""
    module = [sys.executable, "-m", "tests.bare_servers.token_server"]
    with start_command([*module, TOKEN]) as asking, start_command(module) as open_one:
        shown = files_with(tmp_path, auth=json.dumps({"token": TOKEN}))
        with ThreadPoolExecutor() as pool:
            runs = [
                pool.submit(conform, tmp_path, "--url", asking.url, *AREAS, *shown, "--report", "with.json"),
                pool.submit(conform, tmp_path, "--url", open_one.url, *AREAS, "--report", "open.json"),
                pool.submit(conform, tmp_path, "--url", asking.url, "--id", "SIO-CN-02"),
            ]
            with_token, without, refused = (run.result() for run in runs)

    assert (with_token.returncode, without.returncode) == (0, 0), with_token.stdout + without.stdout
    verdicts, expected = verdicts_of(tmp_path / "with.json"), verdicts_of(tmp_path / "open.json")
    differ = {key: verdict for key, verdict in verdicts.items() if verdict != expected[key]}
    assert differ == {}
    assert list(verdicts.values()).count("pass") > 30
    assert (refused.returncode, refused.stdout) == (4, "")
    assert refused.stderr.endswith("; --auth, --header, --cookie or --query may show what it wants\n")


def test_no_secret_is_told(tmp_path: Path) -> None:
    """By a server that repeats all it was shown, in every form of the result, and in no list of processes."""
    log = tmp_path / "programs.log"
    (tmp_path / "sitecustomize.py").write_text(NOTE_PROGRAMS.format(log=str(log)))
    results = tmp_path / "results"
    results.mkdir()
    shown = files_with(
        tmp_path, header=": ".join(HEADER), cookie="=".join(COOKIE), query="key=query e8f415",
        auth=json.dumps({"token": TOKEN}),
    )  # fmt: skip
    forms = ("report", "html", "markdown", "junit", "badge")
    words = [word for form in forms for word in (f"--{form}", str(results / form))]
    ids = ["--id", "SIO-CN-02", "--id", "EIO-HS-05"]
    # Without a level nothing is judged where nobody is let in.
    level = ["--level", "0"]

    with start_command([sys.executable, "-m", "tests.bare_servers.token_server", "another"]) as server:
        environment = {"PYTHONPATH": f"{ROOT}:{tmp_path}"}
        done = conform(results, "--url", server.url, *shown, *ids, *words, *level, **environment)
        unjudged = conform(results, "--url", server.url, *shown, **environment)
        as_json = conform(results, "--url", server.url, *shown, *ids, *level, "--json", **environment)

    assert done.returncode == 1, done.stdout + done.stderr
    assert {path.name for path in results.iterdir()} == set(forms)
    assert "reports.conformance" in log.read_text()
    assert unjudged.returncode == 4
    texts = [done.stdout, done.stderr, as_json.stdout, unjudged.stderr, log.read_text()]
    texts += [path.read_text() for path in results.iterdir()]
    for text in texts:
        for secret in SECRETS:
            assert secret not in text
    assert "not with" in done.stdout
    assert f"--auth @{tmp_path / 'auth'}.txt" in done.stdout
