"""Bad input gets one line. Click alone would print the usage and a hint in front of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from sioprobe.commandline.starting import begin

__all__ = ["run_command"]


def run_command(run: Callable[..., Any], program: str) -> NoReturn:
    """Run `run`, which is click's `Command.main`, and exit with its code: 2 for bad input, 130 for Ctrl-C."""
    try:
        begin()
        code = run(prog_name=program, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"{program}: error: {_line(error)}", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo(f"{program}: stopped", err=True)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _line(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption):
        near = f" (the nearest is {error.possibilities[0]!r})" if error.possibilities else ""
        return f"unknown option {error.option_name!r}{near}"
    if isinstance(error, click.MissingParameter) and error.param is not None:
        is_option = isinstance(error.param, click.Option)
        return f"{error.param.opts[0] if is_option else error.param.human_readable_name} is missing"
    return error.format_message()
