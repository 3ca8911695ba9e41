"""The options that say how connections reach a server and what they show it. All commands share them.

`ConnectionOptions` holds their values. Most values may be secrets: no result, report, message or list of
processes holds one, and each may be given as `@FILE`.
"""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

from sioprobe.commandline.auth_payload import AuthError, check_auth, parse_auth, read_text
from sioprobe.commandline.help_pages import WHO, option
from sioprobe.commandline.numbers import WholeNumber
from sioprobe.commandline.redaction import redacted, redacted_data, secrets_in
from sioprobe.wire import LocalProtocolError
from sioprobe.wire.endpoint import DEFAULT_PATH, endpoint_path
from sioprobe.wire.request_headers import sort_headers

__all__ = [
    "CONNECTION_KEYS",
    "DEFAULT_PATH",
    "ConnectionOptions",
    "OptionError",
    "add_connection_options",
    "add_packing_option",
    "connection_options",
    "packing_option",
    "read_files",
]

HIDDEN = "..."
"""What stands for a secret in a command that others may read."""


class OptionError(ValueError):
    """An option that cannot be used. One line that names it and holds no secret."""


@dataclass(frozen=True, slots=True)
class _Pairs:
    """An option that is given once for each pair of a name and a value."""

    name: str
    kept_as: str
    separator: str
    help: str

    @property
    def metavar(self) -> str:
        return f"NAME{self.separator}VALUE"


PAIRS = (
    _Pairs("header", "headers", ":", "Header of every request"),
    _Pairs("cookie", "cookies", "=", "Cookie of every request, beside those that the server sets"),
    _Pairs("query", "query", "=", "Parameter in the query of every request"),
)
OR_FILE = "@FILE holds one a line"
PATH_HELP = "Path of the server's Socket.IO endpoint; a final slash is added"
AUTH_HELP = "Auth payload of every CONNECT packet: a JSON object, or the file that holds it"
CA_FILE_HELP = "https: trust the authorities whose certificates (PEM) this file holds"
NO_VERIFY_HELP = "https: take any certificate"
PACKING = "--max-packets-per-post"
PACKING_HELP = "Polling: the most packets of one POST. 0: all that maxPayload allows, as official clients do"


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How connections reach a server, and what they show it.

    `given` holds the options as words of a command that others may see, with `...` for each secret.
    """

    path: str = DEFAULT_PATH
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: dict[str, Any] | None = field(default=None, repr=False)
    ca_file: str | None = None
    verify: bool = True
    max_packets_per_post: int = 0
    given: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", endpoint_path(self.path))

    @classmethod
    def read(cls, parsed: Any, folder: Path | None = None) -> ConnectionOptions:
        """The values of a parsed command line, with the contents of its files. Raises OptionError.

        A relative name after an `@` begins in `folder`.
        """
        if parsed.ca_file:
            _check_ca_file(parsed.ca_file)
        return cls.of(SimpleNamespace(**{**vars(parsed), **read_files(parsed, folder)}), _words(parsed))

    @classmethod
    def of(cls, parsed: Any, given: tuple[str, ...] = ()) -> ConnectionOptions:
        """The values of options whose files `read_files` has read. Opens no file. Raises OptionError."""
        if "?" in parsed.path:
            raise OptionError("--path has a query; give it with --query NAME=VALUE")
        if "://" in parsed.path:
            raise OptionError(f"--path is a URL; write its path alone, such as {DEFAULT_PATH}")
        values: dict[str, dict[str, str]] = {
            pairs.kept_as: _split(pairs, getattr(parsed, pairs.name)) for pairs in PAIRS
        }
        for flag, headers, cookies in (
            ("--header", values["headers"], {}),
            ("--cookie", {}, values["cookies"]),
        ):
            try:
                sort_headers(headers, cookies)
            except LocalProtocolError as error:
                raise OptionError(f"{flag} {error}") from None
        try:
            auth = parse_auth(parsed.auth) if parsed.auth is not None else None
        except AuthError as error:
            raise OptionError(f"--auth {error}") from None
        most = getattr(parsed, "max_packets_per_post", 0)
        if most < 0:
            raise OptionError(f"{PACKING} {most} is less than 0")
        return cls(
            path=parsed.path,
            **values,
            auth=auth,
            ca_file=parsed.ca_file or None,
            verify=not parsed.no_verify,
            max_packets_per_post=most,
            given=given,
        )

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ConnectionOptions:
        """What `to_json` wrote. Raises OptionError for a value that cannot be used."""
        values = dict(data)
        for key in ("headers", "cookies", "query"):
            pairs = values.get(key, {})
            if not isinstance(pairs, dict) or not all(isinstance(value, str) for value in pairs.values()):
                raise OptionError(f"{key} is not an object whose values are text")
        for key, kind, what in (
            ("path", str, "text"),
            ("ca_file", str, "text"),
            ("verify", bool, "true or false"),
            ("max_packets_per_post", int, "a whole number"),
        ):
            if key in values and type(values[key]) is not kind:
                raise OptionError(f"{key} = {values[key]!r} is not {what}")
        if values.get("max_packets_per_post", 0) < 0:
            raise OptionError(f"max_packets_per_post = {values['max_packets_per_post']} is less than 0")
        try:
            if values.get("auth") is not None:
                check_auth(values["auth"])
        except AuthError as error:
            raise OptionError(f"auth {error}") from None
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """The values that are not the defaults, secrets included: for a pipe, never for an argument."""
        plain = ConnectionOptions()
        return {
            key: getattr(self, key) for key in CONNECTION_KEYS if getattr(self, key) != getattr(plain, key)
        }

    def visit_arguments(self) -> dict[str, Any]:
        """The keyword arguments of a diagnosis' `Visit`, but for path and auth."""
        return {name: getattr(self, name) for name in ("headers", "cookies", "query", "ca_file", "verify")}

    def target_arguments(self) -> dict[str, Any]:
        """The keyword arguments of the load engine's `Target.from_url`, but for the path."""
        return {**self.visit_arguments(), "max_packets_per_post": self.max_packets_per_post}

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that must not be printed, the longest first."""
        return secrets_in(self.headers, self.cookies, self.query, self.auth)

    def redact(self, text: str) -> str:
        """The text with every secret cut out: a server may repeat what it was shown."""
        return redacted(text, self.secrets)

    def redact_data(self, data: Any) -> Any:
        """The same for each text in JSON-like data."""
        return redacted_data(data, self.secrets)

    def arguments(self, folder: Path, *, judges: bool = False) -> list[str]:
        """The options that tell another process the same. What may be secret goes by files in `folder`.

        One that `judges` has no option for packing.
        """
        arguments = [f"--path={self.path}"]
        arguments += [f"--ca-file={self.ca_file}"] if self.ca_file else []
        arguments += [] if self.verify else ["--no-verify"]
        arguments += (
            [f"{PACKING}={self.max_packets_per_post}"] if self.max_packets_per_post and not judges else []
        )
        texts = {"auth": json.dumps(self.auth) if self.auth is not None else ""}
        for pairs in PAIRS:
            items = getattr(self, pairs.kept_as).items()
            texts[pairs.name] = "\n".join(f"{name}{pairs.separator}{value}" for name, value in items)
        for name, text in texts.items():
            if text:
                file = folder / name
                file.touch(mode=0o600)
                file.write_text(text, encoding="utf-8")
                arguments.append(f"--{name}=@{file}")
        return arguments


CONNECTION_KEYS = tuple(each.name for each in fields(ConnectionOptions) if each.name != "given")
"""The keys of `ConnectionOptions.to_json`."""


def add_connection_options(add: Callable[..., Any], **more: Any) -> None:
    """Add the options to a parser by its `add`: argparse's `add_argument`, pytest's `addoption`.

    `more` are keyword arguments for all of them but `--path`, whose values may be secrets.
    """
    add("--path", default=DEFAULT_PATH, help=f"{_small(PATH_HELP)} (default {DEFAULT_PATH})")
    add("--auth", default=None, metavar="JSON|@FILE", help=_small(AUTH_HELP), **more)
    for pairs in PAIRS:
        add(
            f"--{pairs.name}",
            action="append",
            default=[],
            metavar=pairs.metavar,
            help=f"{_small(pairs.help)}, repeatable; {OR_FILE}",
            **more,
        )
    add("--ca-file", default="", metavar="FILE", help=CA_FILE_HELP, **more)
    add("--no-verify", action="store_true", default=False, help=NO_VERIFY_HELP, **more)


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a click command the options. It gets their values as `connection`, a `ConnectionOptions`."""

    @functools.wraps(command)
    def with_connection(*args: Any, **options: Any) -> Any:
        own = ("path", "auth", *(pairs.name for pairs in PAIRS), "ca_file", "no_verify")
        parsed = SimpleNamespace(**{name: options.pop(name) for name in own})
        parsed.max_packets_per_post = options.pop("max_packets_per_post", 0)
        try:
            connection = ConnectionOptions.read(parsed)
        except OptionError as error:
            raise click.UsageError(str(error)) from None
        return command(*args, connection=connection, **options)

    added: Callable[..., Any] = with_connection
    added = option("--no-verify", group=WHO, is_flag=True, help=f"{NO_VERIFY_HELP}.")(added)
    added = option("--ca-file", group=WHO, default="", metavar="FILE", help=f"{CA_FILE_HELP}.")(added)
    for pairs in reversed(PAIRS):
        text = f"{pairs.help}, repeatable; {OR_FILE}."
        added = option(f"--{pairs.name}", group=WHO, multiple=True, metavar=pairs.metavar, help=text)(added)
    added = option("--auth", group=WHO, metavar="JSON|@FILE", help=f"{AUTH_HELP}.")(added)
    return option(
        "--path", group=WHO, metavar="PATH", default=DEFAULT_PATH, show_default=True, help=f"{PATH_HELP}."
    )(added)


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


def read_files(parsed: Any, folder: Path | None = None) -> dict[str, Any]:
    """The values of the options that take `@FILE`, with what the files hold. Raises OptionError.

    Call it once, where the options were given: the files are of that host, and a text that comes later
    (from a web page) must open none.
    """
    read: dict[str, Any] = {}
    flag = "--auth"
    try:
        if parsed.auth is not None:
            read["auth"] = read_text(parsed.auth, folder)
        for pairs in PAIRS:
            flag = f"--{pairs.name}"
            read[pairs.name] = [line for text in getattr(parsed, pairs.name) for line in _lines(text, folder)]
    except AuthError as error:
        raise OptionError(f"{flag} {error}") from None
    return read


def _check_ca_file(name: str) -> None:
    # Over http nobody opens it, and a misspelled name would stay unseen.
    try:
        Path(name).open("rb").close()
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "is not a file"
        raise OptionError(f"--ca-file {name}: {reason}") from None


def _words(parsed: Any) -> tuple[str, ...]:
    """The options as they may be shown: the name of a file, but never a value."""
    words = [] if parsed.path == DEFAULT_PATH else ["--path", parsed.path]
    if parsed.auth is not None:
        words += ["--auth", parsed.auth if parsed.auth.startswith("@") else HIDDEN]
    for pairs in PAIRS:
        for text in getattr(parsed, pairs.name):
            name = text.partition(pairs.separator)[0].strip()
            shown = text if text.startswith("@") else f"{name}{pairs.separator}{HIDDEN}"
            words += [f"--{pairs.name}", shown]
    words += ["--ca-file", parsed.ca_file] if parsed.ca_file else []
    words += ["--no-verify"] if parsed.no_verify else []
    most = getattr(parsed, "max_packets_per_post", 0)
    words += [PACKING, str(most)] if most else []
    return tuple(words)


def _lines(text: str, folder: Path | None) -> list[str]:
    if not text.startswith("@"):
        return [text]
    return [line for line in read_text(text, folder).split("\n") if line.strip()]


def _split(pairs: _Pairs, texts: Sequence[str]) -> dict[str, str]:
    values = {}
    for number, text in enumerate(texts, start=1):
        name, found, value = (part.strip() for part in text.partition(pairs.separator))
        if not found or not name:
            # Not the text itself: without its separator it may be a bare secret.
            which = f" number {number}" if len(texts) > 1 else ""
            raise OptionError(f"--{pairs.name}{which} is not {pairs.metavar}")
        if "\n" in value or "\r" in value:
            raise OptionError(f"--{pairs.name} {name!r} has a line break in its value")
        values[name] = value
    return values


def _small(text: str) -> str:
    return text[0].lower() + text[1:]
