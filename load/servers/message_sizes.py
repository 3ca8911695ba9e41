"""Whether a server can be loaded with a scenario: it lets clients in, and takes their messages."""

from __future__ import annotations

from collections.abc import Callable

from load.scenarios import SCENARIOS, Options
from load.servers.placement import problem_with_server
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.wire import OpenData

__all__ = ["problem_with_scenario", "too_large", "warning_of"]


def problem_with_scenario(
    url: str,
    scenario: str,
    options: Options,
    *,
    transport: str,
    connection: ConnectionOptions,
    warn: Callable[[str], None],
) -> str | None:
    """One line that says why this server cannot be loaded with the scenario, or None. Blocks for a visit.

    `warn` is called with what is no problem yet: messages that are larger than the server takes.
    """

    def learned(opened: OpenData) -> None:
        warning = warning_of(scenario, options, opened)
        if warning is not None:
            warn(warning)

    return problem_with_server(
        url,
        transport=transport,
        namespace=str(options.namespace),
        connection=connection,
        refused=SCENARIOS[scenario].wants_refusal(options),
        learned=learned,
    )


def warning_of(scenario: str, options: Options, opened: OpenData) -> str | None:
    """One line if the messages of the scenario are above the server's maxPayload, or None."""
    return too_large(f"scenario {scenario}", SCENARIOS[scenario].message_bytes(options), opened)


def too_large(who: str, size: int, opened: OpenData) -> str | None:
    """One line if messages of `size` bytes, which `who` sends, are above the server's maxPayload, or None."""
    if not 0 < opened.max_payload < size:
        return None
    return (
        f"{who} sends messages of {size:,} bytes and more; the server takes"
        f" {opened.max_payload:,.0f} (maxPayload), and ends the session of a client that sends more"
    )
