"""The command line: it checks every option, binds the port, and becomes the server of the chosen mode.

It imports only the standard library and click. A mode patches first and imports everything else later.
"""

from __future__ import annotations

import math
import os
import sys
from dataclasses import replace

import click

from server_under_test.foreign.servers import FOREIGN, become_foreign, prepared
from server_under_test.listing import listed
from server_under_test.proxies.front import said_before, site_of
from server_under_test.proxies.registry import PROXIES
from server_under_test.proxies.site import STICKY
from server_under_test.queues.registry import QUEUES, Queue
from server_under_test.queues.registry import find as find_queue
from server_under_test.starting.command import become
from server_under_test.starting.listener import bind
from server_under_test.starting.modes import MODES, missing
from server_under_test.starting.options import TRANSPORTS, WHEN_ONE_ENDS, Options, without_password
from server_under_test.starting.problems import Problem, unknown

PROGRAM = os.environ.get("SIOPROBE_PROG") or "python -m server_under_test"
SERVERS = ("flask-socketio", *FOREIGN)

EXAMPLES = f"""\b
Examples:
  {PROGRAM} --mode gevent --port 5000
  {PROGRAM} --mode threading --transports polling
  {PROGRAM} --mode eventlet --workers 2 --queue redis
  {PROGRAM} --mode gevent --workers 2 --queue redis --play    (faults by commands)
  {PROGRAM} --mode gevent --workers 2 --queue redis --proxy nginx
  {PROGRAM} --proxy nginx --workers 2 --show-config    (prints the configuration, and starts nothing)
  {PROGRAM} --server node --port 5000
  {PROGRAM} --server node --allow-eio3    (also for clients of socket.io 2)
  {PROGRAM} --server node-2               (socket.io 2.5)
  {PROGRAM}                    (Flask-SocketIO chooses the mode)

\b
Modes:
""" + "".join(f"  {mode.name:<26}{mode.title}\n" for mode in MODES.values())

EXAMPLES += """
\b
Servers beside flask-socketio:
""" + "".join(f"  {server.name:<26}{server.title} ({server.language})\n" for server in FOREIGN.values())


@click.command(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--server", default=SERVERS[0], help="flask-socketio (default), or a server of the list below.")
@click.option("--mode", help="Async mode. Without it Flask-SocketIO detects one.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=5000, show_default=True, help="0 takes a free one."
)
@click.option("--transports", default=",".join(TRANSPORTS), show_default=True, help="What the server offers.")
@click.option(
    "--ping-interval",
    type=click.FloatRange(0, min_open=True),
    default=25.0,
    show_default=True,
    help="Seconds between two pings.",
)
@click.option(
    "--ping-timeout",
    type=click.FloatRange(0, min_open=True),
    default=20.0,
    show_default=True,
    help="Seconds in which a client must answer a ping.",
)
@click.option(
    "--max-payload", type=click.IntRange(1), default=1_000_000, show_default=True, help="Bytes of a message."
)
@click.option("--always-connect", is_flag=True, help="Answer CONNECT before the connect handler runs.")
@click.option("--nagle", is_flag=True, help="Leave TCP_NODELAY off, as the servers do by default.")
@click.option("--allow-eio3", is_flag=True, help="Speak Engine.IO 3 as well (--server node only).")
@click.option("--recovery", is_flag=True, help="Recover the state of lost connections (--server node only).")
@click.option(
    "--permessage-deflate",
    is_flag=True,
    help="Compress WebSocket messages for clients that offer it (--server node, node-3 and node-2).",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Server processes, each on a port of its own: PORT, PORT+1, ...",
)
@click.option("--queue", help="The queue that joins the processes: a name of the list below, or a URL.")
@click.option("--anyway", is_flag=True, help="Start with a queue that is known not to work in this mode.")
@click.option(
    "--when-one-ends",
    default=WHEN_ONE_ENDS[0],
    show_default=True,
    help="When one of the server processes ends: stop the others, keep them, or restart it.",
)
@click.option(
    "--play",
    is_flag=True,
    help="Play faults: read commands from standard input (kill queue, pause worker 1, cut link 2, ...), "
    "and answer each by a line of JSON.",
)
@click.option("--proxy", help=f"What stands before the processes, at PORT: {', '.join(PROXIES)}.")
@click.option(
    "--sticky",
    help="With --proxy, what keeps a client at its process: cookie (default), address, none.",
)
@click.option("--show-config", is_flag=True, help="Print the configuration of the proxy, and start nothing.")
@click.option("--list", "as_list", is_flag=True, help="List what can run here.")
@click.option("--json", "as_json", is_flag=True, help="With --list: as one JSON object.")
def serve(
    server: str,
    transports: str,
    anyway: bool,
    show_config: bool,
    as_list: bool,
    as_json: bool,
    **values: object,
) -> int:
    """Run the reference Socket.IO server, or a foreign one with the same contract.

    It prints one line that begins with READY when it is ready. SIGTERM or SIGINT stops it.
    """
    if as_list:
        click.echo(listed(as_json=as_json))
        return 0
    options = Options(transports=tuple(transports.split(",")), **values)  # type: ignore[arg-type]
    if options.proxy is not None and options.sticky is None:
        options = replace(options, sticky=STICKY[0])
    if not show_config:
        _check(server, options)
    _check_proxy(options, show_config=show_config)
    if show_config:
        return _show_config(options)
    if server in FOREIGN:
        if options.queue is None or options.queue in FOREIGN[server].own_queues:
            become_foreign(FOREIGN[server], options)
        options = prepared(FOREIGN[server], options)
    if options.queue is not None:
        queue, url = find_queue(options.queue)
        _check_queue(queue, url, options, anyway=anyway)
        if said := said_before(options):
            click.echo(said, err=True)
        from server_under_test.cluster.supervisor import run

        return run(replace(options, queue=queue.name, queue_url=url))
    listener = bind(options.host, options.port, nagle=options.nagle)
    become(replace(options, listen_fd=listener.fileno(), port=listener.getsockname()[1]))


def _check(server: str, options: Options) -> None:
    """Raise Problem for the first option that makes no sense, or for a tool that the mode lacks here."""
    for name, seconds in (("ping-interval", options.ping_interval), ("ping-timeout", options.ping_timeout)):
        if not math.isfinite(seconds):
            raise Problem(f"--{name} {seconds} is not a number of seconds")
    if server not in SERVERS:
        raise unknown("server", server, SERVERS)
    if options.mode is not None and options.mode not in MODES:
        raise unknown("mode", options.mode, MODES)
    for transport in options.transports:
        if transport not in TRANSPORTS:
            raise unknown("transport", transport, TRANSPORTS)
    _check_queue_of(server, options)
    if options.workers > 1 and options.queue is None:
        raise Problem(f"--workers {options.workers} needs --queue redis, which joins the processes")
    if options.when_one_ends not in WHEN_ONE_ENDS:
        raise unknown("--when-one-ends", options.when_one_ends, WHEN_ONE_ENDS)
    if options.play and options.when_one_ends == "restart":
        raise Problem("--play keeps the others when one ends, so it takes no --when-one-ends restart")
    for flag, is_set in (
        ("--play", options.play),
        ("--when-one-ends", options.when_one_ends != WHEN_ONE_ENDS[0]),
    ):
        if is_set and options.queue is None:
            raise Problem(f"{flag} needs --queue, which joins the processes")
    of_node = {
        "--allow-eio3": options.allow_eio3,
        "--recovery": options.recovery,
        "--permessage-deflate": options.permessage_deflate,
    }
    for flag, is_set in of_node.items():
        if is_set and server not in FOREIGN:
            raise Problem(f"--server {server} takes no {flag}; --server node does")
    if server in FOREIGN:
        lacks = ("--mode", "--always-connect", *FOREIGN[server].lacks)
        lacks += ("--proxy",) if "--queue" in lacks else ()
        for name, given in (
            ("--mode", options.mode),
            ("--queue", options.queue),
            ("--proxy", options.proxy),
            ("--always-connect", options.always_connect),
            ("--nagle", options.nagle),
            ("--allow-eio3", options.allow_eio3),
            ("--recovery", options.recovery),
            ("--permessage-deflate", options.permessage_deflate),
            ("--transports", set(options.transports) != set(TRANSPORTS)),
        ):
            if given and name in lacks:
                raise Problem(f"--server {server} takes no {name}")
    elif options.mode is not None:
        lack = missing(MODES[options.mode])
        if lack is not None:
            raise Problem(lack)


def _check_queue(queue: Queue, url: str | None, options: Options, *, anyway: bool) -> None:
    """Raise Problem if the queue does not work in this mode, or lacks something; say what is limited."""
    works = queue.works_in(MODES[options.mode].async_mode) if options.mode else queue.works
    if works == "no" and not anyway:
        raise Problem(f"--queue {queue.name} {queue.standing}; sioprobe serve --anyway starts it")
    row = queue.load()
    if url is None and (lack := row.missing()):
        raise Problem(lack)
    if url is not None and (error := row.answers(url)):
        raise Problem(f"--queue {without_password(url)} does not answer: {error}")
    if works != "yes":
        click.echo(f"--queue {queue.name} {queue.standing}", err=True)


def _check_proxy(options: Options, *, show_config: bool) -> None:
    """The same for the ports and the options of the proxy."""
    if options.worker_port(options.workers) > 65535:
        raise Problem(f"--workers {options.workers} from port {options.port} on would go beyond port 65535")
    if options.proxy is None:
        for flag, given in (("--sticky", options.sticky), ("--show-config", show_config)):
            if given:
                raise Problem(f"{flag} needs --proxy (one of: {', '.join(PROXIES)})")
        return
    if options.proxy not in PROXIES:
        raise unknown("proxy", options.proxy, PROXIES)
    if options.sticky not in STICKY:
        raise unknown("--sticky", str(options.sticky), STICKY)
    cannot = PROXIES[options.proxy].works_with(str(options.sticky))
    if cannot is not None:
        raise Problem(f"--proxy {options.proxy} takes no --sticky {options.sticky}: {cannot}")
    if options.queue is None and not show_config:
        raise Problem(f"--proxy {options.proxy} needs --queue redis, which joins the processes behind it")


def _show_config(options: Options) -> int:
    """Print what to copy. Ports that the start would choose are those of PORT 5000."""
    options = options if options.port else replace(options, port=5000)
    workers = [f"http://{options.host}:{options.worker_port(n)}" for n in range(1, options.workers + 1)]
    assert options.proxy is not None
    click.echo(PROXIES[options.proxy].configuration(site_of(options, workers)), nl=False)
    return 0


def _check_queue_of(server: str, options: Options) -> None:
    """Raise Problem for a queue that nobody knows, or that cannot join processes of this server."""
    name = options.queue
    if name is None:
        return
    foreign = FOREIGN.get(server)
    own = foreign.own_queues if foreign else ()
    if name in own:
        for flag, given in (
            ("--play", options.play),
            ("--proxy", options.proxy is not None),
            ("--when-one-ends", options.when_one_ends != WHEN_ONE_ENDS[0]),
        ):
            if given:
                raise Problem(f"--queue {name} is {server}'s own, and takes no {flag}")
        return
    if foreign is not None and "--queue" in foreign.lacks:
        return
    if foreign is None and (takes := [one.name for one in FOREIGN.values() if name in one.own_queues]):
        raise Problem(f"--queue {name} joins processes of --server {takes[0]} only")
    if foreign is not None and own and name not in QUEUES and "://" not in name:
        raise unknown("queue", name, [*foreign.queues, *own])
    queue, _ = find_queue(name)
    if foreign is not None and queue.name not in foreign.queues:
        raise Problem(f"--server {server} takes --queue {' or '.join([*foreign.queues, *own])}, not {name}")


def main() -> None:
    """Run the command line. Bad input ends in one line and code 2."""
    try:
        sys.exit(serve.main(prog_name=PROGRAM, standalone_mode=False))
    except click.UsageError as error:
        problem = error.format_message()
    except Problem as error:
        problem = str(error)
    except click.Abort:
        sys.exit(130)
    click.echo(f"{PROGRAM}: {problem}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
