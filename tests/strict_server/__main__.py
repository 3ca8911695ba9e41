"""`python -m tests.strict_server`: one strict server as a process, until SIGTERM or SIGINT."""

import argparse
import asyncio
import json
import signal
import sys

from tests.strict_server.faults import FAULTS, UnknownFault
from tests.strict_server.server import StrictServer


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.strict_server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose (default)")
    parser.add_argument("--ping-interval", type=float, default=25.0, metavar="SECONDS")
    parser.add_argument("--ping-timeout", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--max-payload", type=int, default=1_000_000, metavar="BYTES")
    parser.add_argument("--upgrade-timeout", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--connect-timeout", type=float, default=45.0, metavar="SECONDS")
    parser.add_argument("--recovery", action="store_true", help="recover the state of lost connections")
    parser.add_argument(
        "--revisions", default="4", choices=("4", "3", "4,3"), help="of Engine.IO (default 4)"
    )
    parser.add_argument("--fault", metavar="NAME", help="break one requirement (see --list-faults)")
    parser.add_argument("--list-faults", action="store_true", help="print every fault and stop")
    return parser.parse_args(arguments)


def complaint(options: argparse.Namespace) -> str | None:
    """What is wrong with a number, in one line, or None."""
    if not 0 <= options.port <= 65535:
        return f"the port must be from 0 to 65535, not {options.port}"
    for name in ("ping_interval", "ping_timeout", "max_payload", "upgrade_timeout", "connect_timeout"):
        if not getattr(options, name) > 0:
            return f"--{name.replace('_', '-')} must be more than 0, not {getattr(options, name)}"
    return None


async def serve(server: StrictServer) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with server:
        print("READY " + json.dumps(server.about()), flush=True)
        await stop.wait()


def main() -> int:
    options = parse(sys.argv[1:])
    if options.list_faults:
        for fault in FAULTS:
            print(f"{fault.requirement:10} {fault.name}: {fault.breaks}")
        return 0
    wrong = complaint(options)
    if wrong is not None:
        print(wrong, file=sys.stderr)
        return 2
    try:
        server = StrictServer(
            options.fault,
            host=options.host,
            port=options.port,
            ping_interval=options.ping_interval,
            ping_timeout=options.ping_timeout,
            max_payload=options.max_payload,
            upgrade_timeout=options.upgrade_timeout,
            connect_timeout=options.connect_timeout,
            recovery=options.recovery,
            revisions=[int(revision) for revision in options.revisions.split(",")],
        )
        asyncio.run(serve(server))
    except UnknownFault as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
