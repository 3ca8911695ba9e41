"""`python -m ci.proxies [PROXY...]`: real clients behind every proxy, also where something is wrong."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

import click

from ci.pages import line, table
from ci.proxies import pages
from ci.proxies.clients import CLIENTS, COUNT, WAYS, set_up, visit
from ci.proxies.deaths import kill_one
from ci.proxies.mistakes import MISTAKES
from ci.proxies.standing import Workers, front, workers
from ci.versions import version_of
from server_under_test.proxies.registry import PROXIES, fetch
from server_under_test.proxies.site import STICKY
from sioprobe.commandline.choices import OneOf
from sioprobe.commandline.one_line import run_command

PARTS = ("clients", "deaths", "errors")
KEPT = ("cookie", "address")


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all was tried, whatever came of it; 2 wrong usage.",
)
@click.argument("proxies", nargs=-1, type=OneOf("proxy", PROXIES), metavar="[PROXY]...")
@click.option("--only", multiple=True, type=OneOf("part", PARTS), help=f"Of {', '.join(PARTS)}, repeatable.")
@click.option("--record", is_flag=True, help="Put what was seen into the documentation.")
def main(proxies: tuple[str, ...], only: tuple[str, ...], record: bool) -> None:
    """Try these proxies, or all, with the official JavaScript client, python-socketio and the load.

    Kill a worker behind each. Set them up in the wrong ways, and look at what clients say.
    """
    chosen = [name for name in PROXIES if not proxies or name in proxies]
    set_up()
    for name in chosen:
        fetch(PROXIES[name], say=click.echo)
    tables = {
        "clients": (pages.MEASURED, _client_head(), STICKY, _clients),
        "deaths": (pages.USERS, DEATH_HEAD, KEPT, _deaths),
    }
    if record:
        pages.put_configurations()
    with workers() as running:
        if not only or "errors" in only:
            for name, look_at in MISTAKES.items():
                said = look_at(running)
                click.echo("\n".join([name, *(f"  {who}: {what}" for who, what in said)]))
                if record:
                    pages.put(pages.USERS, name, table(("where", "what it says"), map(line, said)))
        for part, (page, head, stickies, look) in tables.items():
            if only and part not in only:
                continue
            order = [f"{name}, {sticky}" for name in PROXIES for sticky in stickies]
            for name in chosen:
                for sticky in stickies:
                    row = f"{name}, {sticky}"
                    cells = look(running, name, sticky)
                    click.echo(f"{row:<20}" + "   ".join(cells))
                    if record:
                        pages.put_line(page, part, head, [row, *cells], order)
    if record:
        for name in chosen:
            version = version_of(fetch(PROXIES[name], say=click.echo), PROXIES[name].version)
            cells = [name, version, datetime.now(UTC).date().isoformat()]
            pages.put_line(pages.MEASURED, "versions", ("proxy", "version", "tried"), cells, list(PROXIES))


DEATH_HEAD = (
    "proxy, sticky", "its session", "its next handshakes", "clients that came back",
    "its session, mended", "its next handshakes, mended", "clients that came back, mended",
)  # fmt: skip


def _client_head() -> list[str]:
    return ["proxy, sticky", *CLIENTS.values()]


def _clients(running: Workers, name: str, sticky: str) -> list[str]:
    """For each client `8 / 8 / 8`: how many were served over polling, WebSocket, and an upgrade."""
    came: dict[str, list[str]] = {client: [] for client in CLIENTS}
    with front(name, running.urls, sticky) as it, ThreadPoolExecutor(len(CLIENTS)) as pool:
        for way in WAYS:
            for client, each in zip(
                CLIENTS, pool.map(partial(visit, url=it.url, way=way), CLIENTS), strict=True
            ):
                came[client].append(str(each.served))
    return [" / ".join(counts) for counts in came.values()]


def _deaths(running: Workers, name: str, sticky: str) -> list[str]:
    cells = []
    for moves_on in (False, True):
        moved = kill_one(running, name, sticky, moves_on=moves_on)
        came = f"{moved.back} of {COUNT}"
        if moved.seconds is not None:
            came += f" after {moved.seconds:.1f} s"
        cells += [moved.session, moved.handshake, came]
    return cells


if __name__ == "__main__":
    run_command(main.main, "python -m ci.proxies")
