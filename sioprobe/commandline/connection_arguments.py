"""The options that say how connections reach a server and what they show it, declared for all commands."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import click

from sioprobe.commandline.connection_options import (
    DEFAULT_PATH,
    PACKING,
    PAIRS,
    ConnectionOptions,
    OptionError,
)
from sioprobe.commandline.help_pages import WHO, option
from sioprobe.commandline.numbers import WholeNumber

__all__ = [
    "add_connection_options",
    "add_packing_option",
    "connection_options",
    "packing_option",
    "user_connection_options",
]

OR_FILE = "@FILE holds one a line"
OF_USERS = "@FILE.jsonl has a JSON object a line, each for one user"
OR_OF_USERS = f"{OR_FILE}, @FILE.jsonl as for --auth"
PATH_HELP = "Path of the server's Socket.IO endpoint; a final slash is added"
AUTH_HELP = "Auth payload of every CONNECT packet: a JSON object, or the file that holds it"
CA_FILE_HELP = "https: trust the authorities whose certificates (PEM) this file holds"
NO_VERIFY_HELP = "https: take any certificate"
PACKING_HELP = "Polling: the most packets of one POST. 0: all that maxPayload allows, as official clients do"


def add_connection_options(add: Callable[..., Any], *, per_user: bool = False, **more: Any) -> None:
    """Add the options to a parser by its `add`: argparse's `add_argument`, pytest's `addoption`.

    `more` are keyword arguments for all of them but `--path`, whose values may be secrets. `per_user` says
    that the command takes a line for each user.
    """
    add("--path", default=DEFAULT_PATH, help=f"{_small(PATH_HELP)} (default {DEFAULT_PATH})")
    auth = f"{_small(AUTH_HELP)}; {OF_USERS}" if per_user else _small(AUTH_HELP)
    add("--auth", default=None, metavar="JSON|@FILE", help=auth, **more)
    for pairs in PAIRS:
        add(
            f"--{pairs.name}",
            action="append",
            default=[],
            metavar=pairs.metavar,
            help=f"{_small(pairs.help)}, repeatable; {OR_OF_USERS if per_user else OR_FILE}",
            **more,
        )
    add("--ca-file", default="", metavar="FILE", help=CA_FILE_HELP, **more)
    add("--no-verify", action="store_true", default=False, help=NO_VERIFY_HELP, **more)


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the options. It gets their values as `connection`, a `ConnectionOptions`."""
    return _with_options(command, per_user=False)


def user_connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a command that takes a line for each user. It calls `check_users`."""
    return _with_options(command, per_user=True)


def _with_options(command: Callable[..., Any], *, per_user: bool) -> Callable[..., Any]:
    @functools.wraps(command)
    def with_connection(*args: Any, **options: Any) -> Any:
        own = ("path", "auth", *(pairs.name for pairs in PAIRS), "ca_file", "no_verify")
        parsed = SimpleNamespace(**{name: options.pop(name) for name in own})
        parsed.max_packets_per_post = options.pop("max_packets_per_post", 0)
        try:
            connection = ConnectionOptions.read(parsed, per_user=per_user)
        except OptionError as error:
            raise click.UsageError(str(error)) from None
        return command(*args, connection=connection, **options)

    added: Callable[..., Any] = with_connection
    added = option("--no-verify", group=WHO, is_flag=True, help=f"{NO_VERIFY_HELP}.")(added)
    added = option("--ca-file", group=WHO, default="", metavar="FILE", help=f"{CA_FILE_HELP}.")(added)
    for pairs in reversed(PAIRS):
        text = f"{pairs.help}, repeatable; {OR_OF_USERS if per_user else OR_FILE}."
        added = option(f"--{pairs.name}", group=WHO, multiple=True, metavar=pairs.metavar, help=text)(added)
    auth = f"{AUTH_HELP}. {OF_USERS}" if per_user else AUTH_HELP
    added = option("--auth", group=WHO, metavar="JSON|@FILE", help=f"{auth}.")(added)
    return option("--path", group=WHO, metavar="PATH", default=DEFAULT_PATH, help=f"{PATH_HELP}.")(added)


def packing_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command with `connection_options` the option of those that load a server."""
    return option(PACKING, group=WHO, metavar="N", type=WholeNumber(0), default=0, help=f"{PACKING_HELP}.")(
        command
    )


def add_packing_option(add: Callable[..., Any], **more: Any) -> None:
    """Add the same option to a parser, as `add_connection_options` does."""
    add(PACKING, type=_whole, default=0, metavar="N", help=_small(PACKING_HELP), **more)


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _small(text: str) -> str:
    return text[0].lower() + text[1:]
