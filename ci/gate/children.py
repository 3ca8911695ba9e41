"""The gate's folder and its child processes: nothing of either is left, however the gate ends.

Every child has the folder's path in its environment (SIOPROBE_GATE), and hands it on to what it starts; its
temporary files lie in there. A small process of its own (`python -m ci.gate.children FOLDER`) waits until the
gate is gone, ends every process with that mark and removes the folder. If that process is killed, the gate
does the same itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ci.gate.settings import GateError
from load.servers import steps
from load.servers.children import ChildError
from sioprobe.harness import harness_environment, module_command

__all__ = ["run_step", "sweep", "workshop"]

MARK = "SIOPROBE_GATE"
SWEEPS = 50
_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>


@contextlib.contextmanager
def workshop() -> Iterator[Path]:
    """A new folder for whatever is built; it and all marked processes are gone afterwards."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="sioprobe-gate-"))
    except OSError as error:
        raise GateError(f"no folder for the two sides can be made: {error.strerror}") from None
    before = {name: os.environ.get(name) for name in (MARK, "TMPDIR")}
    (folder / "tmp").mkdir()
    os.environ |= {MARK: str(folder), "TMPDIR": str(folder / "tmp")}
    if sys.platform == "linux":
        # Children of a child that was killed come to this process, and not to init.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    sweeper = subprocess.Popen(
        module_command("ci.gate.children", str(folder)),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in harness_environment().items() if name != MARK},
        start_new_session=True,
    )
    try:
        yield folder
    finally:
        sweep(folder)
        assert sweeper.stdin is not None
        with contextlib.suppress(OSError):
            sweeper.stdin.close()
        sweeper.wait()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def sweep(folder: Path) -> None:
    """End every process that has the folder's mark, and remove the folder."""
    for _ in range(SWEEPS):
        marked = list(_marked(folder))
        for pid in marked:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not marked:
            break
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


def _marked(folder: Path) -> Iterator[int]:
    mark = f"{MARK}={folder}".encode()
    for name in os.listdir("/proc") if sys.platform == "linux" else []:
        if not name.isdigit() or int(name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if mark in Path(f"/proc/{name}/environ").read_bytes().split(b"\0"):
                yield int(name)


def run_step(command: Sequence[str] | str, what: str, **more: Any) -> str:
    """As `load.servers.steps.run_step`. Raises GateError with the last lines of what failed."""
    try:
        return steps.run_step(command, what, **more)
    except ChildError as error:
        raise GateError(str(error)) from None


def main() -> int:
    """Wait until the gate has gone, then sweep its folder."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    sweep(Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
