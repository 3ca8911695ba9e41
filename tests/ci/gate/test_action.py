"""The action for GitHub: its steps run here as they stand, and nothing of an input is code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.gate.__main__ import main
from ci.gate.github import annotation_lines
from tests.reports.gate.test_pages import BROKEN, cell, gate
from tests.servers import ROOT

ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}

FAKE = f"""#!{sys.executable}
import json, os, pathlib, sys
out = pathlib.Path(sys.argv[sys.argv.index("--out") + 1])
out.mkdir()
(out / "arguments.json").write_text(json.dumps(sys.argv[1:]))
(out / "gate.json").write_text(json.dumps({{"verdict": "REGRESSION"}}))
(out / "summary.md").write_text("## REGRESSION\\n")
sys.exit(int(os.environ["FAKE_CODE"]))
"""


def run_gate_step(folder: Path, inputs: dict[str, str], code: int) -> tuple[int, dict[str, str], Path]:
    """The step's exit code and outputs, with a program in the place of sioprobe."""
    step = STEPS["Gate"]
    programs = folder / "sioprobe-gate" / "bin"
    programs.mkdir(parents=True)
    (programs / "sioprobe").write_text(FAKE)
    (programs / "sioprobe").chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    defaults = {name: entry["default"] for name, entry in ACTION["inputs"].items()}
    values = {**defaults, **inputs}
    environment = {
        name: values[text.removeprefix("${{ inputs.").removesuffix(" }}")]
        for name, text in step["env"].items()
    }
    files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    done = subprocess.run(
        # As GitHub runs `shell: bash`.
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "RUNNER_TEMP": str(folder),
            "FAKE_CODE": str(code),
            **environment,
            **{name: str(path) for name, path in files.items()},
        },
        check=False,
    )
    outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())
    assert files["GITHUB_STEP_SUMMARY"].read_text() == "## REGRESSION\n"
    return done.returncode, outputs, folder / "sioprobe-gate-out"


@pytest.mark.parametrize("code", [0, 1, 3])
def test_the_step_hands_on_inputs_and_exit_code(tmp_path: Path, code: int) -> None:
    inputs = {
        "base": "abc",
        "cells": "websocket\npolling\n",
        "arguments": '["a b", 1]',
        "setup": "pip install .",
        "match": "0.n={n}",
        "on-start": 'join:["lobby"]\nhello',
        "auth": "@token.json",
    }

    returned, outputs, out = run_gate_step(tmp_path, inputs, code)

    assert returned == code
    assert outputs == {
        "verdict": "REGRESSION",
        "json": str(out / "gate.json"),
        "html": str(out / "gate.html"),
    }
    assert json.loads((out / "arguments.json").read_text())[1:] == [
        "--out", str(out), "--base=abc", "--setup=pip install .", "--cell=websocket", "--cell=polling",
        '--arguments=["a b", 1]', "--match=0.n={n}", '--on-start=join:["lobby"]', "--on-start=hello",
        "--auth=@token.json",
    ]  # fmt: skip


def test_a_secret_stands_in_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    headers = "Authorization: Bearer 1\nX-Tenant: a"

    _, _, out = run_gate_step(tmp_path, {"auth": '{"token": "t"}', "header": headers}, 0)

    given = dict(word.split("=@") for word in json.loads((out / "arguments.json").read_text())[3:])
    assert {name: Path(file).read_text() for name, file in given.items()} == {
        "--auth": '{"token": "t"}\n',
        "--header": headers + "\n",
    }
    assert {Path(file).stat().st_mode & 0o777 for file in given.values()} == {0o600}
    assert not any(Path(file).is_relative_to(out) for file in given.values())


NO_INPUTS = (
    "base_command", "head_command", "repository", "mode",  # base, head, command and cells say it
    "config",  # the file is found
    "ca_file", "no_verify",  # the server is on this machine
    "max_packets_per_post",  # both sides meet the same client
    "no_conformance", "no_counters", "no_realtime", "seed",  # for finding out about the gate itself
    "simulating", "noise", "as_json", "out",
)  # fmt: skip


def test_every_option_of_the_gate_is_an_input_or_is_left_out_on_purpose() -> None:
    options = {str(each.name) for each in main.params} - set(NO_INPUTS)

    inputs = {name.replace("-", "_") for name in ACTION["inputs"]}

    assert {*options, "cells", "python"} - {"cell"} == inputs


def test_an_input_is_never_code(tmp_path: Path) -> None:
    evil = '"; touch evil; $(touch evil) `touch evil` #'

    _, _, out = run_gate_step(tmp_path, {"event": evil, "base-with": evil}, 0)

    arguments = json.loads((out / "arguments.json").read_text())
    assert f"--event={evil}" in arguments
    assert f"--base-with={evil}" in arguments
    assert not (tmp_path / "evil").exists()


def test_no_script_holds_an_expression() -> None:
    assert [step["name"] for step in STEPS.values() if "${{" in step.get("run", "")] == []


def test_actions_are_pinned_and_workflows_may_nothing_by_themselves() -> None:
    workflows = [yaml.safe_load(path.read_text()) for path in sorted(ROOT.glob(".github/workflows/*.yml"))]
    assert len(workflows) == 2
    steps = [step for flow in workflows for job in flow["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in (*steps, *STEPS.values()) if "uses" in step]

    assert [name for name in used if name != "./" and len(name.partition("@")[2]) != 40] == []
    assert all(flow["permissions"] == {} for flow in workflows)


def test_annotations_name_what_went_wrong() -> None:
    document = gate(
        cell("gevent:websocket", "REGRESSION", 0.05, why="CPU per message +5.0 %"),
        cell("threading:websocket", "INCONCLUSIVE", 0.02, why="few lives", help="more minutes"),
        cell("gevent:polling", "PASS", 0.0),
        conformance=[
            {
                "mode": "gevent",
                "judged": 1,
                "broken": [BROKEN],
                "mended": [],
                "problem": None,
            }
        ],
    )

    assert annotation_lines(document) == [
        "::error title=sioprobe gate%3A SIO-AK-01::"
        "test_acks.py::test_x polling of gevent: pass -> fail: two acks",
        "::error title=sioprobe gate%3A gevent%3Awebsocket REGRESSION::CPU per message +5.0 %25",
        "::warning title=sioprobe gate%3A threading%3Awebsocket INCONCLUSIVE::few lives. more minutes",
    ]


def test_an_error_is_annotated_and_a_pass_is_not() -> None:
    broken = gate(verdict="ERROR", problem="base: pip failed\nat once")
    assert annotation_lines(broken) == ["::error title=sioprobe gate%3A ERROR::base: pip failed%0Aat once"]

    assert annotation_lines(gate(cell("gevent:websocket", "PASS", 0.0), verdict="PASS")) == []


def test_github_shows_ten_annotations() -> None:
    many = [cell("gevent:websocket", "REGRESSION", 0.1) for _ in range(30)]

    assert len(annotation_lines(gate(*many))) == 10
