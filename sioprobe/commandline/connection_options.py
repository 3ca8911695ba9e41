"""How connections reach a server and what they show it, as all commands read it from their options.

`ConnectionOptions` holds the values. Most values may be secrets: no result, report, message or list of
processes holds one, and each may be given as `@FILE`. `@FILE.jsonl` holds a line for each user.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sioprobe.commandline.auth_payload import AuthError, check_auth, parse_auth, read_text
from sioprobe.commandline.redaction import redacted, redacted_data, secrets_in
from sioprobe.commandline.user_lines import is_of_users, read_user_lines, together
from sioprobe.wire import LocalProtocolError
from sioprobe.wire.endpoint import DEFAULT_PATH, endpoint_path
from sioprobe.wire.request_headers import sort_headers

__all__ = [
    "CONNECTION_KEYS",
    "DEFAULT_PATH",
    "ConnectionOptions",
    "OptionError",
    "read_files",
]

PACKING = "--max-packets-per-post"
HIDDEN = "..."
"""It takes the place of a secret in a command that others may read."""


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


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """How connections reach a server, and what they show it.

    `per_user` has what each user shows beside that: `auth`, `headers`, `cookies`, `query`; see `of_user`.
    `per_user_file` is the option that has the fewest lines, for people.
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
    per_user: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    per_user_file: str = field(default="", compare=False)
    given: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", endpoint_path(self.path))

    @classmethod
    def read(cls, parsed: Any, folder: Path | None = None, *, per_user: bool = False) -> ConnectionOptions:
        """The values of a parsed command line, with the contents of its files. Raises OptionError.

        A relative name after an `@` begins in `folder`. Without `per_user`, a line for each user is an error.
        """
        if parsed.ca_file:
            _check_ca_file(parsed.ca_file)
        found = cls.of(SimpleNamespace(**{**vars(parsed), **read_files(parsed, folder)}), _words(parsed))
        if found.per_user and not per_user:
            raise OptionError(
                f"{found.per_user_file} has a line for each user, and here all show the same:"
                " sioprobe load, capacity and survey take such a file"
            )
        return found

    @classmethod
    def of(cls, parsed: Any, given: tuple[str, ...] = ()) -> ConnectionOptions:
        """The values of options whose files `read_files` has read. Opens no file. Raises OptionError."""
        if "?" in parsed.path:
            raise OptionError("--path has a query; give it with --query NAME=VALUE")
        if "://" in parsed.path:
            raise OptionError(f"--path is a URL; write its path alone, such as {DEFAULT_PATH}")
        if not (parsed.path.isascii() and parsed.path.isprintable()) or {" ", "#"} & set(parsed.path):
            raise OptionError("--path has a character that no path has; write it as %20 and the like")
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
            per_user=tuple(getattr(parsed, "per_user", ())),
            per_user_file=getattr(parsed, "per_user_file", ""),
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
        values["per_user"] = tuple(values.get("per_user", ()))
        return cls(**values)

    def of_user(self, number: int) -> ConnectionOptions:
        """What the user of this number shows, from 0: its own line on top of what all show."""
        if not self.per_user:
            return self
        own = self.per_user[number]
        pairs: dict[str, Any] = {
            key: {**getattr(self, key), **own.get(key, {})} for key in ("headers", "cookies", "query")
        }
        return replace(self, **pairs, auth=own.get("auth", self.auth), per_user=())

    def check_users(self, users: int) -> None:
        """Raise OptionError if so many users cannot have a line each."""
        if self.per_user and len(self.per_user) < users:
            there = f"{self.per_user_file} has {len(self.per_user)} line(s) for {users} users"
            raise OptionError(f"{there}: each takes one of its own")

    def to_json(self) -> dict[str, Any]:
        """The values that are not the defaults, secrets included: for a pipe, never for an argument."""
        plain = ConnectionOptions()
        return {
            key: getattr(self, key) for key in CONNECTION_KEYS if getattr(self, key) != getattr(plain, key)
        }

    def as_plan(self) -> dict[str, Any]:
        """The part that says how a server was measured: names, and no secret."""
        return {
            "path": self.path,
            "max_packets_per_post": self.max_packets_per_post,
            "auth": self.auth is not None,
            **{key: sorted(getattr(self, key)) for key in ("headers", "cookies", "query")},
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
        return secrets_in(self.headers, self.cookies, self.query, self.auth, list(self.per_user))

    def redact(self, text: str) -> str:
        """The text with every secret cut out: a server may repeat what it was shown."""
        return redacted(text, self.secrets)

    def redact_data(self, data: Any) -> Any:
        """The same for each text in JSON-like data."""
        return redacted_data(data, self.secrets)

    def arguments(self, folder: Path, *, packing: bool = True) -> list[str]:
        """The options that tell another process the same. What may be secret goes by files in `folder`.

        Without `packing` it is a command that has no option for it, such as the judge.
        """
        arguments = [f"--path={self.path}"]
        arguments += [f"--ca-file={self.ca_file}"] if self.ca_file else []
        arguments += [] if self.verify else ["--no-verify"]
        if packing and self.max_packets_per_post:
            arguments.append(f"{PACKING}={self.max_packets_per_post}")
        texts = {"auth": json.dumps(self.auth) if self.auth is not None else ""}
        for pairs in PAIRS:
            items = getattr(self, pairs.kept_as).items()
            texts[pairs.name] = "\n".join(f"{name}{pairs.separator}{value}" for name, value in items)
        for name, key in (("auth", "auth"), *((pairs.name, pairs.kept_as) for pairs in PAIRS)):
            texts[f"{name}.jsonl"] = "\n".join(json.dumps(own[key]) for own in self.per_user if key in own)
        for name, text in texts.items():
            if text:
                file = folder / name
                file.touch(mode=0o600)
                file.write_text(text, encoding="utf-8")
                arguments.append(f"--{name.removesuffix('.jsonl')}=@{file}")
        return arguments


CONNECTION_KEYS = tuple(each.name for each in fields(ConnectionOptions) if each.name != "given")
"""The keys of `ConnectionOptions.to_json`."""


def read_files(parsed: Any, folder: Path | None = None) -> dict[str, Any]:
    """The values of the options that take `@FILE`, with what the files hold. Raises OptionError.

    Call it once, where the options were given: the files are of that host, and a text that comes later
    (from a web page) must open none.
    """
    read: dict[str, Any] = {}
    of_users: list[tuple[str, list[dict[str, Any]]]] = []
    flag = "--auth"
    try:
        if parsed.auth is not None and is_of_users(parsed.auth):
            lines = read_user_lines(parsed.auth, "auth", folder)
            of_users.append((f"--auth {parsed.auth}", lines))
            read["auth"] = None
        elif parsed.auth is not None:
            read["auth"] = read_text(parsed.auth, folder)
        for pairs in PAIRS:
            flag = f"--{pairs.name}"
            read[pairs.name] = []
            for text in getattr(parsed, pairs.name):
                if is_of_users(text):
                    of_users.append((f"{flag} {text}", read_user_lines(text, pairs.kept_as, folder)))
                else:
                    read[pairs.name] += _lines(text, folder)
    except AuthError as error:
        raise OptionError(f"{flag} {error}") from None
    if of_users:
        read["per_user_file"], read["per_user"] = together(of_users)
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
