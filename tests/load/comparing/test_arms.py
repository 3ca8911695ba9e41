"""Arms of one's own: what a profile and the command line make of them, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from load.comparing.__main__ import main
from load.comparing.arms import ArmPlan, arm_of_option, command_of, without_folders
from load.comparing.options import command_line, with_arms
from load.comparing.plan import Profile, ProfileError, read_profile
from sioprobe.commandline.connection_options import ConnectionOptions
from tests.in_process import run_here

OWN = '[[arms]]\nid = "chat"\ncommand = "python app.py --port {port}"\n'
MODED = '[[arms]]\ncommand = "python app.py --async-mode {mode} --port {port}"\n'


def read(folder: Path, text: str) -> Profile:
    path = folder / "mine.toml"
    path.write_text(text)
    return read_profile(str(path))


def test_a_command_with_a_mode_is_an_arm_for_each(tmp_path: Path) -> None:
    text = MODED + 'modes = ["gevent", "threading"]\nenv = {MODE = "{mode}"}\nsetup = "build {mode}"\n'

    arms = read(tmp_path, text).arms

    assert [(arm.id, arm.title, arm.mode) for arm in arms] == [
        ("gevent", "gevent", "gevent"),
        ("threading", "threading", "threading"),
    ]
    assert command_of(arms[0]).command == ("python", "app.py", "--async-mode", "gevent", "--port", "{port}")
    assert (arms[1].env, arms[1].setup) == ({"MODE": "threading"}, "build threading")


def test_the_usual_modes_need_no_list_and_an_id_stands_before_them(tmp_path: Path) -> None:
    arms = read(tmp_path, MODED + 'id = "chat"\ntitle = "our chat"\n').arms

    assert [arm.id for arm in arms] == ["chat-threading", "chat-eventlet", "chat-gevent"]
    assert arms[0].title == "our chat, threading"


def test_a_mode_of_its_own_fills_the_command_and_changes_no_name(tmp_path: Path) -> None:
    (arm,) = read(tmp_path, MODED + 'id = "chat"\nmode = "gevent"\n').arms

    assert (arm.id, arm.mode) == ("chat", "gevent")
    assert "gevent" in command_of(arm).command


def test_a_folder_begins_at_the_profile_and_a_port_is_awaited(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()

    (arm,) = read(tmp_path, OWN + 'cwd = "app"\nenv = {A = "b"}\n').arms

    command = command_of(arm)
    assert command.folder == str(tmp_path / "app")
    assert (command.environment, command.ready) == ({"A": "b"}, "port")


def test_a_port_may_stand_in_the_environment_and_ready_may_be_said(tmp_path: Path) -> None:
    (first,) = read(tmp_path, '[[arms]]\nid = "a"\ncommand = "npm start"\nenv = {PORT = "{port}"}\n').arms
    (second,) = read(tmp_path, '[[arms]]\nid = "a"\ncommand = "serve"\nready = "READY"\n').arms
    (third,) = read(tmp_path, OWN + 'ready = "/health"\n').arms

    assert [command_of(arm).ready for arm in (first, second, third)] == ["port", "READY", "/health"]


def test_what_is_written_of_an_arm_holds_no_folder_and_no_value_of_its_environment(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    text = OWN.replace("python", str(tmp_path / "venv/bin/python"))
    text += 'cwd = "app"\nenv = {TOKEN = "s3cr3t"}\nsetup = "make -C /srv/app/build"\n[load]\n'

    profile = read(tmp_path, text + 'cookie = "session=hunter22"\nheader = ["X-Key: k3y"]\n')

    written = json.dumps(profile.as_json())
    assert not any(word in written for word in (str(tmp_path), "s3cr3t", "hunter22", "k3y", "/srv"))
    (arm,) = profile.as_json()["arms"]
    assert (arm["command"], arm["env"]) == (".../python app.py --port {port}", ["TOKEN"])
    assert not any(word in repr(profile.connecting) for word in ("hunter22", "k3y"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (OWN + 'setpu = "x"\n', "arms[0]: unknown key 'setpu' (the nearest is 'setup'"),
        (
            '[[arms]]\nid = "a"\ncommand = "/opt/app/bin/python app.py"\n',
            "arms[0]: command '.../python app.py' has no {port}; write it where the port stands",
        ),
        (OWN + 'ready = "soon"\n', "arms[0]: ready 'soon' is neither READY nor port nor a path such as"),
        (OWN + 'cwd = "nowhere"\n', "arms[0]: cwd 'nowhere' is no folder"),
        (OWN + 'url = "http://127.0.0.1:1"\n', "arms[0]: has command and url; one is enough"),
        (OWN + 'server = "node"\n', "arms[0]: has server and command; one is enough"),
        (OWN + 'queue = "redis"\n', "arms[0]: queue is for servers of `sioprobe serve`"),
        (OWN + 'proxy = "nginx"\n', "arms[0]: proxy is for servers of `sioprobe serve`"),
        (OWN + 'modes = ["gevent"]\n', "arms[0]: modes fill {mode}, which stands neither in the command"),
        (MODED + 'modes = ["a"]\nmode = "b"\n', "arms[0]: has mode and modes; one is enough"),
        (OWN + "env = {PORT = 5000}\n", "arms[0]: env is not a table of text"),
        (OWN.replace("python app", "python 'app"), 'arms[0]: command "python \'app.py --port {port}" is no'),
        ('[[arms]]\ncommand = "python app.py --port {port}"\n', "arms[0]: needs id"),
        (OWN + OWN, "there are two arms 'chat'"),
        ('[[arms]]\nid = "a"\nmode = "gevent"\nsetup = "x"\n', "arms[0]: setup needs a command"),
        ('[[arms]]\nid = "a"\nurl = "http://h:1"\nready = "port"\n', "arms[0]: ready needs a command"),
        ('[[arms]]\nid = "a"\nurl = "127.0.0.1:1"\n', "arms[0]: url '127.0.0.1:1' does not begin with http"),
        ('[[arms]]\nid = "a"\nurl = "http://h/chat"\n', "arms[0]: url http://h/chat has a path; give that"),
        (OWN + '[load]\nhead = "a: b"\n', "load: unknown key 'head' (the nearest is 'header'"),
        (OWN + "[load]\ncookie = 3\n", "load: cookie is neither text nor a list of text"),
        (OWN + "[load]\nno_verify = 1\n", "load: no_verify is not true or false"),
        (OWN + "[load]\nmax_packets_per_post = true\n", "load: max_packets_per_post is not a whole number"),
        (OWN + "[load]\npath = 1\n", "load: path is not text"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as caught:
        read(tmp_path, text)

    assert str(caught.value).startswith(f"mine.toml: {complaint}")


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ('cookie = "@none"', "mine.toml: load: --cookie @none: No such file or directory"),
        ('cookie = "s3cr3t"', "mine.toml: load: --cookie is not NAME=VALUE"),
        ('auth = "{"', "mine.toml: load: --auth is not JSON"),
        ('ca_file = "no.pem"', "mine.toml: load: --ca-file"),
        ("max_packets_per_post = -1", "mine.toml: load: --max-packets-per-post -1 is less than 0"),
    ],
)
def test_what_a_client_shows_is_read_late_and_its_mistakes_are_named(
    section: str, complaint: str, tmp_path: Path
) -> None:
    profile = read(tmp_path, f"{OWN}[load]\n{section}\n")

    with pytest.raises(ProfileError) as caught:
        profile.connecting.under(ConnectionOptions())

    assert str(caught.value).startswith(complaint)


def test_a_file_of_the_profile_lies_beside_it_and_the_command_line_wins(tmp_path: Path) -> None:
    text = OWN + '[load]\ncookie = "@cookies"\nquery = ["a=b"]\npath = "/io"\nauth = {token = "t"}\n'
    profile = read(tmp_path, text)
    (tmp_path / "cookies").write_text("session=abc\n")

    found = profile.connecting.under(ConnectionOptions(path="/other", given=("--path", "/other")))

    assert (found.cookies, found.query, found.auth) == ({"session": "abc"}, {"a": "b"}, {"token": "t"})
    assert (found.path, found.given) == ("/other/", ("--path", "/other"))


def test_own_arms_stand_alone_unless_others_are_named() -> None:
    quick = read_profile("quick")
    command, url = "mine=serve {port}", "old=http://127.0.0.1:5000/"

    alone = with_arms(quick, (), (command,), (url,), "")
    beside = with_arms(quick, ("gevent",), (command,), (), "/up")

    assert [arm.id for arm in alone.arms] == ["mine", "old"]
    assert alone.arms[1].url == "http://127.0.0.1:5000"
    assert [arm.id for arm in beside.arms] == ["gevent", "mine"]
    assert beside.arms[1].ready == "/up"
    assert with_arms(quick, (), (), (), "") == quick


def test_a_mode_on_the_command_line_makes_three_arms() -> None:
    arms = arm_of_option("--arm-command", "mine=serve {mode} {port}")

    assert [arm.id for arm in arms] == ["mine-threading", "mine-eventlet", "mine-gevent"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--arm-command", "python app.py"), "--arm-command 'python app.py' is not NAME=COMMAND"),
        (("--arm-url", "http://127.0.0.1:1"), "--arm-url 'http://127.0.0.1:1' is not NAME=URL"),
        (("--arm-url", "http://a:s3cr3t@h/?b=c"), "--arm-url is not NAME=URL"),
        (("--arm-url", "https://h:1/?token=s3cr3t"), "--arm-url is not NAME=URL"),
        (("--arm-command", "a=serve"), "--arm-command a: command 'serve' has no {port}; write it where"),
        (
            ("--arm-command", "gevent=x {port}", "--arm", "gevent"),
            "command line: there are two arms 'gevent'",
        ),
        (("--ready", "port"), "--ready needs --arm-command"),
        (("--scenario", "upgrade"), "--scenario upgrade needs --transport upgrade"),
        (("--transport", "poling"), "unknown transport 'poling' (the nearest is 'polling'"),
        (("--room-size", "3"), "--room-size: scenario ack does not know it (fanout, slow do)"),
        (("--seconds", "0.1"), "--seconds: 0.1 is less than 0.2"),
        (("--cookie", "s3cr3t"), "--cookie is not NAME=VALUE"),
        (("--workers", "2,0"), "--workers: 0 is less than 1"),
        (("--workers", ","), "--workers is empty"),
        (("--workers", "2,many"), "--workers: 'many' is not a whole number"),
        (("--arm", "gevent", "--queue", "redis,reddis"), "profile quick: processes: unknown queue 'reddis'"),
        (("--arm", "node", "--queue", "redis"), "--workers and --queue need an arm in an async mode"),
        (
            ("--profile", "full", "--section", "fanout", "--workers", "2"),
            "--workers and --queue are for the section processes",
        ),
    ],
)
def test_bad_options_are_one_line(arguments: tuple[str, ...], complaint: str, tmp_path: Path) -> None:
    done = run_here(main, "sioprobe compare", "--out", str(tmp_path / "out"), *arguments)

    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"sioprobe compare: error: {complaint}")
    assert "s3cr3t" not in line
    assert not (tmp_path / "out").exists()


def test_the_help_names_the_options_of_the_load() -> None:
    text = main.get_help(click.Context(main))

    for word in (
        "--workers",
        "--queue",
        "--arm-command",
        "--arm-url",
        "--scenario",
        "--users",
        "--cookie",
        "--namespace",
        "--rate",
    ):
        assert word in text


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("/home/me/app/.venv/bin/python app.py", ".../python app.py"),
        (".venv/bin/python app.py --port {port}", ".venv/bin/python app.py --port {port}"),
        ("env A=/etc/a/b serve http://127.0.0.1/x/y", "env A=.../b serve http://127.0.0.1/x/y"),
    ],
)
def test_folders_of_this_machine_are_not_shown(command: str, shown: str) -> None:
    assert without_folders(command) == shown


def test_the_command_of_a_report_has_what_was_given_but_no_folder_and_no_secret() -> None:
    own = "chat=/home/me/.venv/bin/python app.py {port}"
    words = ["--arm", "gevent", "--arm-command", own, "--workers", "1,2", "--scenario", "call", "--event=-x"]
    words += ["--on-start", "a", "--on-start", "b", "--users", "2", "--seconds", "0.3", "--no-conformance"]
    hidden = ["--out", "/srv/out", "--fresh", "--header", "A: s3cr3t"]
    with main.make_context("sioprobe compare", ["--profile", "/srv/mine.toml", *words, *hidden]):
        told = command_line(ConnectionOptions(headers={"A": "s3cr3t"}, given=("--header", "A:...")))

    assert told == (
        "sioprobe compare --profile mine.toml --arm gevent --arm-command 'chat=.../python app.py {port}'"
        " --workers 1,2 --scenario call --users 2 --seconds 0.3 --event -x --on-start a --on-start b"
        " --no-conformance --header A:..."
    )


def test_an_arm_of_the_reference_server_is_as_before() -> None:
    cluster = ArmPlan(id="a", mode="gevent", workers=2, queue="redis")

    assert cluster.serve_options == ("--mode", "gevent", "--workers", "2", "--queue", "redis")
    assert set(cluster.as_json()) == {"id", "title", "mode", "server", "workers", "queue", "load", "rounds"}


def test_an_arm_may_stand_behind_a_proxy() -> None:
    behind = ArmPlan(id="a", mode="gevent", workers=2, queue="redis", proxy="nginx", sticky="cookie")

    assert behind.serve_options[-4:] == ("--proxy", "nginx", "--sticky", "cookie")
    assert behind.processes == 4
    assert behind.as_json()["proxy"] == "nginx"
