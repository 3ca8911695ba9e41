"""The built wheel, installed elsewhere, works from an empty directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import psutil
import pytest

from tests.server_under_test.conftest import not_here
from tests.servers import start_command, start_server

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("sioprobe-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of an environment with the wheel; the libraries are those of this one."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder)
    python = folder / "bin" / "python"
    install = ["--python", python, "install", "--quiet", "--no-deps", wheel]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    purelib = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    # A path in a .pth file is added, but the .pth files behind it are not read:
    # the editable install of the checkout stays out.
    Path(purelib.stdout.strip(), "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def run(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [installed / "sioprobe", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )


def test_the_wheel_puts_nothing_but_sioprobe_into_site_packages(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sioprobe"}
    for needed in (
        "sioprobe/py.typed",
        "sioprobe/_harness/conformance/CONTRACT.md",
        "sioprobe/_harness/conformance/CLIENT_CONTRACT.md",
        "sioprobe/_harness/conformance/agents/js/package-lock.json",
        "sioprobe/_harness/conformance/agents/js/.npmrc",
        "sioprobe/_harness/conformance/agents/python/async-agent.py",
        "sioprobe/_harness/conformance/agents/java/src/main/java/Agent.java",
        "sioprobe/_harness/conformance/agents/cpp/CMakeLists.txt",
        "sioprobe/_harness/conformance/agents/swift/Sources/agent/main.swift",
        "sioprobe/_harness/conformance/agents/csharp/Program.cs",
        "sioprobe/_harness/conformance/agents/dart/bin/agent.dart",
        "sioprobe/_harness/load/swarm.py",
        "sioprobe/_harness/load/counting/inserted/hooks.c",
        "sioprobe/_harness/load/counting/inserted/mallocs.c",
        "sioprobe/_harness/ci/gate/injected/sitecustomize.py",
        "sioprobe/_harness/load/profiles/quick.toml",
        "sioprobe/_harness/server_under_test/foreign/node/package-lock.json",
        "sioprobe/_harness/server_under_test/foreign/node/.npmrc",
        "sioprobe/_harness/server_under_test/foreign/bun/server.mjs",
        "sioprobe/_harness/server_under_test/foreign/rust/pins.txt",
        "sioprobe/_harness/server_under_test/foreign/rust/src/main.rs",
        "sioprobe/_harness/server_under_test/foreign/go/go.sum",
        "sioprobe/_harness/server_under_test/foreign/java/src/main/java/Server.java",
        "sioprobe/_harness/server_under_test/foreign/python_socketio/contract.py",
    ):
        assert needed in names
    assert "sioprobe/_harness/ci/parts.py" not in names
    products = ("node_modules/", "__pycache__/", "/out/", "/target/", "/build/", "/Cargo.lock", "/.built")
    assert [name for name in names for product in products if product in name] == []


def test_the_installed_judge_judges_a_server_from_an_empty_directory(installed: Path, tmp_path: Path) -> None:
    # The ping timeout leaves room for a busy machine, which the server cannot know about.
    with start_server("threading", ping_interval=1, ping_timeout=3) as server:
        done = run(
            installed, tmp_path, "conform", "--url", server.url, "--area", "EIO-HS", "--area", "SIO-EV"
        )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " pass" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_installed_judge_prints_the_contract(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "conform", "--contract")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (ROOT / "conformance/CONTRACT.md").read_text("utf-8")


CLIENT = """
import os

import load
import socketio

client = socketio.Client(reconnection=False)
client.connect(os.environ["SIOPROBE_URL"], **load.OPTIONS)
client.wait()
"""


def test_the_installed_judge_judges_an_application_that_connects(installed: Path, tmp_path: Path) -> None:
    """A module of its own keeps the name that one of our folders has."""
    (tmp_path / "my_client.py").write_text(CLIENT)
    (tmp_path / "load.py").write_text('OPTIONS = {"transports": ["websocket"]}\n')
    program = f"{installed / 'python'} my_client.py"

    done = run(installed, tmp_path, "conform", "--client", program, "--area", "CLI-HB", "--id", "CLI-HB-01")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "client my_client.py, started by" in done.stdout
    assert ", contract level 0: nothing broken: 1 pass" in done.stdout
    assert " pass" in done.stdout


def test_the_installed_judge_brings_agents(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = run(installed, tmp_path, "conform", "--client", "list").stdout
    assert {"js", "python", "cpp"} <= {line.split()[0] for line in listed.splitlines()}
    contract = run(installed, tmp_path, "conform", "--client-contract").stdout
    assert contract == (ROOT / "conformance/CLIENT_CONTRACT.md").read_text("utf-8")
    assert run(installed, tmp_path, "conform", "--client", "python", "--id", "CLI-CN-01").returncode == 0
    if shutil.which("npm") is None:
        not_here("needs npm")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    done = run(installed, tmp_path, "conform", "--client", "js", "--id", "CLI-CN-01")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "building js, once: npm ci" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert [*tmp_path.glob("cache/sioprobe/js-*/js/agent.mjs")]


def test_an_agent_that_cannot_be_built_here_says_what_it_needs(installed: Path, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        not_here("needs Node")
    (tmp_path / "node").symlink_to(node)
    environment = {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    command = [installed / "sioprobe", "conform", "--client", "js"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert done.returncode == 2
    assert "error: --client js needs npm to be built: put npm on PATH, or pip install" in done.stderr


def test_the_installed_package_builds_a_foreign_server_in_the_user_s_cache(
    installed: Path, tmp_path: Path
) -> None:
    go = shutil.which("go")
    if go is None:
        not_here("needs Go")
    # The compiler's own cache lies in the user's: with an empty one it would take a minute.
    compiled = subprocess.run([go, "env", "GOCACHE"], check=True, capture_output=True, text=True)
    command = [str(installed / "sioprobe"), "serve", "--server", "zishang520", "--port", "0"]
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "GOCACHE": compiled.stdout.strip()}
    with start_command(command, environment=environment, cwd=tmp_path) as server:
        assert "building zishang520, once: go build" in server.stderr
        assert server.about["server"] == "zishang520"
        (program,) = tmp_path.glob("cache/sioprobe/go-*/go/build/server")
        assert psutil.Process(server.process.pid).exe() == str(program)


SHORT = """
[load]
transports = ["websocket"]
connections = 2
warmup_seconds = 0.1
seconds = 0.3
rounds = 1
minimum_rounds = 1
budget_seconds = 1000

[[arms]]
id = "gevent"
title = "gevent"
mode = "gevent"
"""


def test_the_installed_comparison_measures_and_reports(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "short.toml").write_text(SHORT)
    words = ("--profile", "short.toml", "--no-conformance", "--out", "out")
    done = run(installed, tmp_path, "compare", *words)
    refused = run(installed, tmp_path, "compare", "--arm", "gevnt")

    # 3: measured, but the machine was too busy with something else for any block to be believed.
    assert done.returncode in (0, 3), done.stderr[-3000:]
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
    # A profile of the wheel is found.
    assert "profile quick has no arm 'gevnt'" in refused.stderr
