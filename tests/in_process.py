"""A command line run in this process: what takes no process of its own costs a tenth of the time.

`tests/test_cli.py` runs each command from the outside.
"""

from __future__ import annotations

import io
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from subprocess import CompletedProcess

import click
import pytest

from sioprobe.commandline.one_line import run_command


def run_here(command: click.Command, program: str, *arguments: str) -> CompletedProcess[str]:
    """The exit code and what was written by `program arguments`."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with redirect_stdout(stdout), redirect_stderr(stderr), pytest.raises(SystemExit) as ended:
        run_command(partial(command.main, list(arguments)), program)
    code = ended.value.code
    assert isinstance(code, int)
    return CompletedProcess([program, *arguments], code, stdout.getvalue(), stderr.getvalue())
