"""Profiles of `sioprobe load`: the built-in ones are sound, and a mistake is named with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from load.comparing.connecting import CONNECTING_KEYS
from load.profiles.reading import ProfileError, built_in_profiles
from load.profiles.run_plan import OWN_KEYS, read_run_plan
from load.scenarios import SCENARIOS, all_parameters


@pytest.mark.parametrize("name", built_in_profiles(compares=False))
def test_built_in_profiles_can_be_read(name: str) -> None:
    plan = read_run_plan(name)

    assert plan.scenario in SCENARIOS
    assert plan.title


def test_each_key_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[load]\nscenario = "fanout"\nroom_size = 3\nusers = 7\n')

    plan = read_run_plan(str(path))

    assert (plan.scenario, plan.users, dict(plan.parameters)) == ("fanout", 7, {"room_size": 3})
    assert (plan.transport, plan.seconds) == ("websocket", 10.0)


@pytest.mark.parametrize("auth", ['"@token.json"', '"{\\"token\\": \\"good\\"}"', '{ token = "good" }'])
def test_the_auth_payload_may_be_a_file_beside_the_profile(auth: str, tmp_path: Path) -> None:
    (tmp_path / "token.json").write_text('{"token": "good"}')
    path = tmp_path / "mine.toml"
    path.write_text(f"[load]\nauth = {auth}\n")

    plan = read_run_plan(str(path))

    assert plan.connection.auth == {"token": "good"}
    assert "good" not in repr(plan)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "mine.toml: needs a table [load]"),
        ("[laod]\n", "mine.toml: unknown key 'laod' (the nearest is 'load'"),
        ("[load]\nuser = 3\n", "mine.toml: load: unknown key 'user' (the nearest is 'users'"),
        ("[load]\nroomsize = 3\n", "mine.toml: load: unknown key 'roomsize' (the nearest is 'room_size'"),
        ("[load]\nusers = 0\n", "mine.toml: load: users = 0 is not a whole number from 1"),
        ("[load]\nusers = true\n", "mine.toml: load: users = True is not a whole number from 1"),
        ("[load]\nseconds = inf\n", "mine.toml: load: seconds = inf is not a number from 1"),
        ('[load]\nseconds = "3"\n', "mine.toml: load: seconds = '3' is not a number from 1"),
        ('[load]\nscenario = "akc"\n', "mine.toml: load: unknown scenario 'akc' (the nearest is 'ack'"),
        (
            '[load]\ntransport = ["polling"]\n',
            "mine.toml: load: unknown transport ['polling'] (the nearest is 'polling'",
        ),
        (
            "[load]\nroom_size = 3\n",
            "mine.toml: load: room_size: scenario ack does not know it (fanout, slow do)",
        ),
        ("[load]\nrate = -1\n", "mine.toml: load: rate: -1 is less than 0"),
        ("[load]\npayload_bytes = 1.5\n", "mine.toml: load: payload_bytes: 1.5 is not a whole number"),
        ("[load]\nauth = 3\n", "mine.toml: load: auth is a number, not a JSON object such as"),
        ('[load]\nauth = "@none"\n', "mine.toml: load: auth @none: No such file or directory"),
        (
            "[[arms]]\n",
            "mine.toml: has [[arms]], so it is a profile of `sioprobe compare`, not of `sioprobe load`",
        ),
        ("= 3", "mine.toml: cannot be read: Invalid statement (at line 1, column 1)"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)

    with pytest.raises(ProfileError) as caught:
        read_run_plan(str(path))

    assert str(caught.value).startswith(complaint)


def test_a_profile_of_the_other_command_is_refused() -> None:
    with pytest.raises(ProfileError, match="'quick' is one of `sioprobe compare`, not of `sioprobe load`"):
        read_run_plan("quick")


def test_no_parameter_has_the_name_of_another_key() -> None:
    """All three kinds of input hold the parameters beside their own keys."""
    other = {
        *OWN_KEYS,
        *("url", "urls", "connections", "warmup_seconds", "server_pids"),
        *("transports", "rounds", "minimum_rounds", "budget_seconds", "seed", "parameters"),
        *CONNECTING_KEYS,
    }
    assert not other & set(all_parameters())
