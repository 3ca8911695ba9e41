"""`sioprobe gate`: bad input is one line and exit code 2; options come from command line and file."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
import pytest

from ci.gate import __main__ as command
from ci.gate.measuring import played
from ci.gate.settings import (
    Cell,
    GateError,
    Settings,
    parse_cell,
    parse_duration,
    parse_share,
    read_config,
)
from load.playing.messages import Message
from sioprobe.commandline.one_line import run_command

APP = ("--base-command", "old {port}", "--head-command", "new {port}", "--event", "chat")
TASKS = (*APP[:4], "--locustfile", "none.py")
PACKAGES = ("--base-with", "flask")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in this repository, whose own configuration would be read."""
    monkeypatch.chdir(tmp_path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line with which the command line refuses."""
    with pytest.raises(SystemExit) as ended:
        run_command(partial(command.main.main, list(arguments)), "sioprobe gate")
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    (line,) = said.err.splitlines()
    return line.removeprefix("sioprobe gate: error: ")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((*APP, "--budget", "soon"), "--budget 'soon' is no time such as 90s or 5m"),
        ((*APP, "--tolerance", "0%"), "--tolerance '0%' is no share such as 5%"),
        ((*APP, "--ready", "soon"), "--ready 'soon' is neither READY nor port nor a path such as /health"),
        ((*APP, "--arguments", "hello"), "--arguments 'hello' is not JSON: "),
        ((*APP, "--arguments", "3"), "--arguments '3' is no JSON array"),
        ((*APP, "--answer", "none"), "--answer none leaves nothing to measure"),
        ((*APP, "--match", "n=3"), "--match 'n=3' is not PATH=VALUE"),
        ((*APP, "--on-start", "a", "--on-start", "b:[c]"), "--on-start number 2: arguments: '[c]' is not"),
        ((*APP, "--namespace", "chat"), "--namespace 'chat' does not start with '/'"),
        ((*APP, "--cell", "gevent:websocket"), "--cell 'gevent:websocket': unknown transport 'gevent'"),
        ((*APP, "--cell", "websockt"), "--cell 'websockt': unknown transport 'websockt' (the nearest"),
        ((*APP, "--mode", "gevent"), "--mode is for the reference server;"),
        ((*APP, "--auth", "{"), "--auth "),
        ((*APP, "--locustfile", "chat.py"), "--event and --locustfile say two different things; give one"),
        ((*TASKS, "--arguments", "[1]"), "--arguments goes with --event; the tasks of --locustfile say it"),
        ((*TASKS, "--answer", "said"), "--answer goes with --event; the tasks of --locustfile say it"),
        ((*TASKS, "--namespace", "/a"), "--namespace goes with --event; the tasks of --locustfile say it"),
        ((*TASKS, "--auth", "{}"), "--auth goes with --event; users of --locustfile call self.connect(auth="),
        (TASKS, "--locustfile none.py: there is no such file"),
        ((*APP, "--exact", "wire", "--no-counters"), "--exact wire needs the counts; leave out --no-count"),
        (
            ("--base-command", "x", "--head-command", "y", "--cell", "gevent:polling"),
            "--cell 'gevent:polling' names a mode, but --base-command has no {mode}",
        ),
        (
            (*PACKAGES, "--event", "chat", "--command", ".venv/bin/python app.py"),
            "--command '.venv/bin/python app.py' would not see the packages",
        ),
        (("--base-command", "x"), "--base-command and --head-command go together"),
        (("--base-command", "'", "--head-command", "x"), "--base-command \"'\" is no command: "),
        (
            (*APP, "--base-with", "flask==3"),
            "--base-command and --base-with say two different things; give one pair",
        ),
        ((*PACKAGES, "--cell", "gevnt:websocket"), "--cell 'gevnt:websocket': unknown mode 'gevnt' (the"),
        ((*PACKAGES, "--cell", "websocket"), "--cell 'websocket' names no async mode"),
        ((*PACKAGES, "--cell", "gevent:polling:fanout"), "--cell 'gevent:polling:fanout': unknown scenario"),
        (("--simulate", "--out", "/no/such/folder"), "gate.json: cannot be read: No such file or directory"),
    ],
    ids=lambda value: " ".join(value)[-40:] if isinstance(value, tuple) else None,
)  # fmt: skip
def test_bad_input_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], line: str
) -> None:
    assert refused(capsys, *arguments).startswith(line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[gate]\nbudgt = '5m'", "sioprobe.toml: [gate] has an unknown key 'budgt' (the nearest is 'budget'"),
        ("[gate]\nbudget = ['5m']", "sioprobe.toml: [gate] budget should be a text"),
        ("[gate", "sioprobe.toml: not TOML: "),
        ("[gate]\ntolerance = 'much'", "--tolerance 'much' is no share such as 5%"),
    ],
)
def test_a_wrong_file_names_section_and_key(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, line: str
) -> None:
    (tmp_path / "sioprobe.toml").write_text(text)

    said = refused(capsys, "--config", str(tmp_path / "sioprobe.toml"), *APP)

    assert said.rpartition(f"{tmp_path}/")[2].startswith(line)


def test_a_file_that_was_named_must_be_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert refused(capsys, "--config", str(tmp_path / "no.toml")).endswith("no.toml: there is no such file")


def parsed(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Settings:
    """The settings with which the gate would run."""
    found: list[Settings] = []

    def keep(settings: Settings, _teller: object) -> None:
        found.append(settings)
        raise click.Abort

    monkeypatch.setattr(command, "run_gate", keep)
    with pytest.raises(click.Abort):
        command.main.main(list(arguments), standalone_mode=False)
    return found[0]


def test_the_command_line_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.sioprobe.gate]\n"
        "command = 'serve --port {port}'\nevent = 'chat'\narguments = ['hello', 3]\nanswer = 'said'\n"
        "on-start = ['join:[1]', 'hello']\n"
        "cell = ['polling']\nbudget = '1m'\ntolerance = '8%'\nfail-on = 'never'\n"
    )

    settings = parsed(monkeypatch, "--config", str(tmp_path / "pyproject.toml"), "--budget", "2m")

    assert settings.budget == 120
    assert settings.thresholds.tolerance == pytest.approx(0.08)
    assert settings.fail_on == "never"
    assert settings.cells == (Cell(None, "polling", "event"),)
    assert settings.message == asdict(Message("chat", '["hello",3]', "said"))
    assert settings.on_start == (asdict(Message("join", "[1]")), asdict(Message("hello")))
    assert settings.plan.kind == "revisions"


def test_a_locustfile_lies_where_its_configuration_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "application"
    folder.mkdir()
    (folder / "chat.py").write_text(
        "from locust import task\nfrom sioprobe import SocketIOUser\n"
        "class Chatter(SocketIOUser):\n    @task\n    def say(self): pass\n"
    )
    (folder / "sioprobe.toml").write_text("[gate]\ncommand = 'serve {port}'\nlocustfile = 'chat.py'\n")

    settings = parsed(monkeypatch, "--config", str(folder / "sioprobe.toml"), "--header", "X-Tenant: a")

    assert settings.locustfile == folder / "chat.py"
    assert settings.message is None
    assert not settings.reference
    assert settings.unit == "task"
    assert [(cell.id, cell.scenario) for cell in settings.cells] == [
        ("websocket", "tasks"), ("polling", "tasks"),
    ]  # fmt: skip
    request = played(settings, settings.cells[1])
    assert request["locustfile"] == str(folder / "chat.py")
    assert (request["transport"], request["connection"]) == ("polling", {"headers": {"X-Tenant": "a"}})
    assert "message" not in request


def test_a_secret_is_in_no_command_that_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = [*APP, "--header", "X-Token: s3cr3t-t0ken", "--auth", '{"password": "hunter22"}']
    monkeypatch.setattr("sys.argv", ["gate", *arguments])

    settings = parsed(monkeypatch, *arguments)

    assert settings.connection.headers == {"X-Token": "s3cr3t-t0ken"}
    assert "--header" in settings.command_line
    assert "s3cr3t-t0ken" not in settings.command_line
    assert "hunter22" not in settings.command_line


def test_sioprobe_toml_stands_before_pyproject(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.sioprobe.gate]\nevent = 'a'")
    assert read_config(None, tmp_path) == {"event": "a"}

    (tmp_path / "sioprobe.toml").write_text("[gate]\nevent = 'b'")
    assert read_config(None, tmp_path) == {"event": "b"}


def test_no_file_is_no_option(tmp_path: Path) -> None:
    assert read_config(None, tmp_path) == {}


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("1h", 3600)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["-1s", "", "5 minutes", "m"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        parse_duration(text)


def test_shares() -> None:
    assert parse_share("5%") == parse_share("5") == pytest.approx(0.05)
    with pytest.raises(ValueError, match="is no share"):
        parse_share("101%")


def test_an_application_is_measured_over_both_transports_unless_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [cell.id for cell in parsed(monkeypatch, *APP).cells] == ["websocket", "polling"]


def test_the_reference_server_has_four_default_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = parsed(monkeypatch, "--base-with", "flask==3.1.3")

    assert [cell.id for cell in settings.cells] == [
        "threading:websocket", "eventlet:websocket", "gevent:websocket", "gevent:polling",
    ]  # fmt: skip
    assert settings.plan.kind == "packages"


def test_the_simulation_prints_shares(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main.main(["--simulate", "--noise", "2%"], standalone_mode=False) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "given: lives vary by 2.0 %"
    assert [line.split()[0] for line in lines[2:]] == ["+0.0", "+3.0", "+5.0", "+10.0"]
    assert lines[-1].split()[2] == "100.0%"


def test_unknown_words_of_a_plan_are_refused() -> None:
    with pytest.raises(GateError, match="unknown mode"):
        parse_cell("nope:websocket", reference=True, modes=("gevent",))
