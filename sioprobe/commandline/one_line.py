"""Bad input of a command line in one line: click alone prints the usage and a hint in front of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

__all__ = ["run_command"]

PLAIN = {"is not a valid integer": "is not a whole number", "is not a valid float": "is not a number"}


def run_command(run: Callable[..., Any], program: str) -> NoReturn:
    """Run a command line by `run`, click's `Command.main` with its arguments, and exit as it ends.

    Bad input is exit code 2, Ctrl-C 130.
    """
    try:
        code = run(prog_name=program, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        click.echo(f"{program}: error: {_plain(error.format_message())}", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)


def _plain(message: str) -> str:
    """Without the words of programmers for numbers."""
    for words, plain in PLAIN.items():
        message = message.replace(f"{words} range", plain).replace(words, plain)
    return message
