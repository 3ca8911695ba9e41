"""The clients that come with an agent: what they need, how they are built, and what is said about them."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from ci import clients as all_clients
from conformance.agent.programs import as_text
from server_under_test.foreign import clients
from server_under_test.foreign.building import digest, home
from server_under_test.foreign.cargo_pins import read_pins
from server_under_test.foreign.clients import AGENTS, CLIENTS, missing, words_of
from server_under_test.foreign.toolchains import Tool
from server_under_test.starting.problems import Problem


def test_what_is_fetched_is_pinned_without_an_address() -> None:
    assert '"resolved"' not in (AGENTS / "js/package-lock.json").read_text()
    assert "//" not in (AGENTS / "rust/pins.txt").read_text()
    pins = {name: version for name, version, _ in read_pins(AGENTS / "rust")}
    assert pins["rust_socketio"] == "0.6.0"
    for name, wanted in tomllib.loads((AGENTS / "rust/Cargo.toml").read_text())["dependencies"].items():
        assert wanted.startswith("="), name


def test_each_source_is_there_and_its_build_is_ignored() -> None:
    products = [client.recipe for client in CLIENTS.values() if client.recipe is not None]
    for recipe in products:
        assert len(digest(recipe)) == 64
        assert home(recipe) == AGENTS / recipe.folder
    paths = [str(home(recipe) / recipe.product) for recipe in products]
    ignored = subprocess.run(["git", "check-ignore", *paths], cwd=AGENTS, capture_output=True, text=True)
    assert sorted(set(ignored.stdout.split())) == sorted(set(paths))


def test_a_client_that_lacks_something_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = replace(
        CLIENTS["python"], tools=(Tool("no_such_module", "the package x: pip install x", True),)
    )
    assert missing(lacking) == "needs the package x: pip install x"
    monkeypatch.setitem(clients.CLIENTS, "python", lacking)
    with pytest.raises(Problem, match="--client python needs the package x: pip install x"):
        words_of("python")


def test_a_client_without_a_build_starts_at_once() -> None:
    words = words_of("python-sync")

    assert words[1:] == [str(AGENTS / "python/async-agent.py"), "sync"]
    said = subprocess.run(words, input="", capture_output=True, text=True, timeout=60)
    hello = json.loads(said.stdout.splitlines()[0])
    assert (hello["seen"], hello["client"]) == ("hello", "python-socketio-sync-client")


def test_the_list_says_which_agents_nobody_has_run() -> None:
    unheard = [name for name, client in CLIENTS.items() if client.never_run]
    assert unheard == ["cpp", "swift", "csharp", "dart"]
    listed = {line.split()[0]: line for line in as_text().splitlines()}
    assert [
        name for name, line in listed.items() if "not run: nobody has tried this agent" in line
    ] == unheard


def test_all_clients_together_are_those_that_somebody_has_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    judged: list[str] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["clients"])
    monkeypatch.setattr(all_clients, "missing", lambda client: None)
    monkeypatch.setattr(all_clients, "judge", lambda name, file, words: judged.append(name))

    assert all_clients.main() == 2  # no result: nothing was judged here
    assert judged == [name for name, client in CLIENTS.items() if not client.never_run]
    assert capsys.readouterr().out.count("not run: nobody has tried its agent yet") == 4


def test_a_checkout_is_named_by_a_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(clients, "is_there", lambda tool: True)
    for variable, client in (("SIOPROBE_CPP_CLIENT", "cpp"), ("SIOPROBE_SWIFT_CLIENT", "swift")):
        monkeypatch.delenv(variable, raising=False)
        assert f"{variable}=PATH" in (missing(CLIENTS[client]) or "")
        monkeypatch.setenv(variable, "/nowhere")
        assert missing(CLIENTS[client]) == f"needs a folder in {variable}, and '/nowhere' is none"
        monkeypatch.setenv(variable, str(tmp_path))
        assert missing(CLIENTS[client]) is None


@pytest.mark.parametrize("name", [name for name in CLIENTS if name != "swarm"])
def test_each_client_stands_in_the_page_for_whoever_judges_one(name: str) -> None:
    page = (Path(__file__).parents[3] / "docs/judge/clients.md").read_text("utf-8")
    assert f"| `{name}` |" in page
