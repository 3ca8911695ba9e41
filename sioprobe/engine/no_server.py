"""What a failed connection says about the server at a URL, in one line."""

from __future__ import annotations

from collections.abc import Callable

from sioprobe.engine.errors import Kind, SwarmError, UntrustedCertificate
from sioprobe.engine.target import Target
from sioprobe.engine.transports.tls import speaks_tls

__all__ = ["explains_itself", "speaks_tls_line", "why_no_server"]

_LINES = {
    Kind.BAD_CA_FILE: "{detail}",
    Kind.BAD_HEADER: "{detail}",
    Kind.BAD_URL: "{detail}",
    Kind.CONNECT_REFUSED: "{url} refuses the namespace: {detail}",
    Kind.CONNECT_TIMEOUT: "{url} accepts connections and does not answer",
    Kind.CONNECTION_REFUSED: "nothing listens at {url}",
    Kind.HOST_UNREACHABLE: "{url} cannot be reached",
    Kind.TIMEOUT: "{url} accepts connections and does not answer",
    Kind.TLS_REFUSED: "TLS to {url} failed: {detail}",
    Kind.UNKNOWN_HOST: "the host of {url} is not known: {detail}",
}


def explains_itself(failure: SwarmError) -> bool:
    """Whether the kind of the failure says enough, so that no further connection is needed."""
    return failure.kind in _LINES


def why_no_server(failure: SwarmError, url: str, path: str, redact: Callable[[str], str] = str) -> str:
    """Why there is no Socket.IO server. `redact` removes secrets from the words of the server."""
    line = _LINES.get(failure.kind)
    if line is None:
        reason = redact(str(failure))
        return f"{url} is no Socket.IO server of Engine.IO 4 at {path}: {reason}".rstrip(": ")
    if isinstance(failure, UntrustedCertificate):
        line += "; --ca-file trusts its authority, --no-verify takes any certificate"
    return line.format(url=url, detail=redact(failure.detail))


def speaks_tls_line(target: Target) -> str | None:
    """What to write if the server of an `http` URL speaks TLS, else None. Blocks for 2 s at most."""
    if target.tls is not None or not speaks_tls(target.family, target.address):
        return None
    return f"{target.url} speaks TLS; write https://{target.url.rpartition('//')[2]}"
