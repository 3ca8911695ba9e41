"""Bad input of a command line in one line: click alone prints the usage and a hint in front of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

__all__ = ["run_command"]


def run_command(run: Callable[..., Any], program: str) -> NoReturn:
    """Run a command line by `run`, click's `Command.main` with its arguments, and exit with its code."""
    try:
        code = run(prog_name=program, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"{program}: error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
