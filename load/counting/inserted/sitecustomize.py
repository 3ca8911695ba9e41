"""Loaded by the Python of a counted server before anything else; hands over to the next one of this name."""

import importlib.machinery
import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _next() -> None:
    """Run the sitecustomize that this one stands in front of, if there is one."""
    rest = [path for path in sys.path if os.path.abspath(path or ".") != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", rest)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if os.environ.get("SIOPROBE_COUNT_CALLS"):
    import sioprobe_counting  # type: ignore[import-not-found, unused-ignore]

    sioprobe_counting.start(os.environ["SIOPROBE_COUNT_CALLS"])
_next()
