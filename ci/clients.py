"""Judges every client that comes with an agent, one after the other, and puts them side by side on a page.

`python -m ci.clients` builds what is missing; a client that cannot be had here is said and left out.
`python -m ci.clients go rust` judges these alone. It writes reports/out/clients/NAME.json and
reports/out/clients.html.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from server_under_test.foreign.clients import CLIENTS, missing
from sioprobe.harness import harness_environment, module_command

OUT = Path("reports/out")
JUDGED = (0, 1)  # exit codes of a run that came to its end


def judge(name: str, file: Path, words: list[str]) -> bool:
    """Judge one client. Whether there is a result; what it is goes to standard output."""
    began = time.monotonic()
    file.unlink(missing_ok=True)
    command = module_command("conformance", "--client", name, "--report", str(file), *words)
    done = subprocess.run(command, env=harness_environment(SIOPROBE_PROG="sioprobe conform"), check=False)
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return done.returncode in JUDGED and file.exists()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"a client (default: all): {', '.join(CLIENTS)}"
    )
    parser.add_argument("--jobs", default="", metavar="N", help="cases at a time")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in CLIENTS]:
        parser.error(f"no client is named {unknown[0]}; there are {', '.join(CLIENTS)}")
    (OUT / "clients").mkdir(parents=True, exist_ok=True)
    files = []
    for name in options.names or CLIENTS:
        print(f"== {name}", flush=True)
        if CLIENTS[name].never_run and not options.names:
            print("not run: nobody has tried its agent yet (docs/judge/clients.md)", flush=True)
            continue
        if lack := missing(CLIENTS[name]):
            print(f"not here: {lack}", flush=True)
            continue
        file = OUT / "clients" / f"{name}.json"
        if judge(name, file, ["--jobs", options.jobs] if options.jobs else []):
            files.append(str(file))
        else:
            print(f"{name}: no result", flush=True)
    if not files:
        print("error: no client was judged", file=sys.stderr)
        return 2
    pages = ["--html", str(OUT / "clients.html"), "--markdown", str(OUT / "clients.md")]
    command = module_command("conformance", "--matrix", *files, *pages)
    return subprocess.run(command, env=harness_environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
