"""`python -m sioprobe.commandline.starting MODULE ...`: as `python -m MODULE ...`, but for an early Ctrl-C.

To import a command takes a second. Python alone would tell a Ctrl-C meanwhile by a traceback.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from collections.abc import Sequence

__all__ = ["begin", "start"]


def start(module: str, arguments: Sequence[str]) -> None:
    """Run the module. Until it calls `begin`, Ctrl-C ends this process with one line and 130."""
    # A shell may have said that this process hears no Ctrl-C.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _stop)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def begin() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt."""
    if signal.getsignal(signal.SIGINT) is _stop:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _stop(number: int, frame: object) -> None:
    # An exception could be lost in the code that is imported.
    os.write(2, f"{os.environ.get('SIOPROBE_PROG') or 'sioprobe'}: stopped\n".encode())
    os._exit(130)


if __name__ == "__main__":
    # `begin` knows the handler of the module with its own name.
    from sioprobe.commandline import starting

    starting.start(sys.argv[1], sys.argv[2:])
