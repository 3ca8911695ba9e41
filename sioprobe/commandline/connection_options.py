"""The command-line options that say how connections reach a server, and what they show it.

`locust -f load/swarm.py` and `sioprobe load` have the same. Their values may be secrets: none stands on the
web page, in a result or in a message, and each may be given as `@FILE`, which no list of processes shows.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from sioprobe.commandline.auth_payload import AuthError, parse_auth, read_text

__all__ = [
    "ConnectionOptions",
    "OptionError",
    "add_connection_options",
    "auth_of",
    "connection_options",
    "locust_connection_arguments",
    "read_files",
    "target_options",
]


class OptionError(ValueError):
    """An option that cannot be used; one line without any secret."""


PAIRS = (
    ("header", "NAME:VALUE", "Header of every request"),
    ("cookie", "NAME=VALUE", "Cookie of every request, beside those that the server sets"),
    ("query", "NAME=VALUE", "Parameter in the query of every request"),
)
OR_FILE = "@FILE holds one a line"
AUTH_HELP = "Auth payload of every CONNECT packet, a JSON object, or the file that holds it"
CA_FILE_HELP = "https: trust the authorities whose certificates (PEM) this file holds"
NO_VERIFY_HELP = "https: take any certificate"


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """What was given. Locust's parsed options have the same attributes, but not frozen."""

    auth: str | None = None
    header: Sequence[str] = ()
    cookie: Sequence[str] = ()
    query: Sequence[str] = ()
    ca_file: str = ""
    no_verify: bool = False


def add_connection_options(add: Any) -> None:
    """Add the options by `add`, a parser's `add_argument`."""
    add("--auth", default=None, metavar="JSON|@FILE", include_in_web_ui=False, help=_small(AUTH_HELP))
    for name, example, what in PAIRS:
        add(
            f"--{name}",
            action="append",
            default=[],
            metavar=example,
            include_in_web_ui=False,
            help=f"{_small(what)}; may be given again, {OR_FILE}",
        )
    add("--ca-file", default="", metavar="FILE", include_in_web_ui=False, help=CA_FILE_HELP)
    add("--no-verify", action="store_true", default=False, include_in_web_ui=False, help=NO_VERIFY_HELP)


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the options; it gets them as `connection`, with what files hold in their place."""

    @functools.wraps(command)
    def with_connection(
        *args: Any,
        auth: str | None,
        header: tuple[str, ...],
        cookie: tuple[str, ...],
        query: tuple[str, ...],
        ca_file: str,
        no_verify: bool,
        **options: Any,
    ) -> Any:
        given = ConnectionOptions(auth, header, cookie, query, ca_file, no_verify)
        try:
            connection = replace(given, **read_files(given))
            target_options(connection)
            auth_of(connection)
        except OptionError as error:
            raise click.UsageError(str(error)) from None
        return command(*args, connection=connection, **options)

    added: Callable[..., Any] = with_connection
    added = click.option("--no-verify", is_flag=True, help=f"{NO_VERIFY_HELP}.")(added)
    added = click.option("--ca-file", default="", metavar="FILE", help=f"{CA_FILE_HELP}.")(added)
    for name, example, what in reversed(PAIRS):
        text = f"{what}, repeatable; {OR_FILE}."
        added = click.option(f"--{name}", multiple=True, metavar=example, help=text)(added)
    return click.option("--auth", metavar="JSON|@FILE", help=f"{AUTH_HELP}.")(added)


def read_files(options: Any) -> dict[str, Any]:
    """The values that hold `@FILE`, with what the files hold in its place. Raises OptionError.

    To be called once, where the options were given: the files are of that host, and a text that comes later
    (from a web page) shall open none.
    """
    read: dict[str, Any] = {}
    flag = "--auth"
    try:
        if options.auth is not None:
            read["auth"] = read_text(options.auth)
        for name, _, _ in PAIRS:
            flag = f"--{name}"
            read[name] = [line for text in getattr(options, name) for line in _lines(text)]
    except AuthError as error:
        raise OptionError(f"{flag} {error}") from None
    return read


def auth_of(options: Any) -> dict[str, Any] | None:
    """The payload of CONNECT, None where none was given. Raises OptionError."""
    if options.auth is None:
        return None
    try:
        return parse_auth(options.auth)
    except AuthError as error:
        raise OptionError(f"--auth {error}") from None


def target_options(options: Any) -> dict[str, Any]:
    """The keyword arguments of `Target.from_url`, which checks them. Raises OptionError for no pair."""
    return {
        "headers": _pairs("--header", options.header, ":"),
        "cookies": _pairs("--cookie", options.cookie, "="),
        "query": _pairs("--query", options.query, "="),
        "ca_file": options.ca_file or None,
        "verify": not options.no_verify,
    }


def locust_connection_arguments(options: ConnectionOptions, auth: str | None, folder: Path) -> list[str]:
    """The options of the locustfile for these, with `auth`; what may be secret goes by files in `folder`."""
    arguments = [f"--ca-file={options.ca_file}"] if options.ca_file else []
    arguments += ["--no-verify"] if options.no_verify else []
    texts = {name: "\n".join(getattr(options, name)) for name, _, _ in PAIRS}
    for name, text in {"auth": auth, **texts}.items():
        if text:
            file = folder / name
            file.touch(mode=0o600)
            file.write_text(text, encoding="utf-8")
            arguments.append(f"--{name}=@{file}")
    return arguments


def _lines(text: str) -> list[str]:
    if not text.startswith("@"):
        return [text]
    return [line for line in read_text(text).split("\n") if line.strip()]


def _pairs(flag: str, texts: Sequence[str], separator: str) -> dict[str, str]:
    pairs = {}
    for number, text in enumerate(texts, start=1):
        name, found, value = text.partition(separator)
        if not found or not name.strip():
            # Not the text itself: who forgot the separator has given a secret alone.
            which = f" number {number}" if len(texts) > 1 else ""
            raise OptionError(f"{flag}{which} is not NAME{separator}VALUE")
        if "\n" in text.strip():
            raise OptionError(f"{flag} {name.strip()!r} has a line break in its value")
        pairs[name.strip()] = value.strip()
    return pairs


def _small(text: str) -> str:
    return text[0].lower() + text[1:]
