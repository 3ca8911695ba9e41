"""The parsers of the official packages as oracles: asked in one batch a test, run by Node."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

__all__ = ["NODE_PACKAGES", "ask", "read_bytes", "write_bytes"]

HERE = Path(__file__).resolve().parent
NODE_PACKAGES = HERE.parents[1] / "server_under_test" / "foreign" / "node" / "package.json"


def ask(script: str, package: str, **batch: list[Any]) -> dict[str, Any]:
    """What the script answers to a batch, one answer for each item; `package` is what it loads.

    Without Node or the package the test fails under CI, and is skipped elsewhere.
    """
    missing = None
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if node is None:
        missing = "node is not on the path"
    elif not (NODE_PACKAGES.parent / "node_modules" / package).is_dir():
        missing = f"no {package} beside {NODE_PACKAGES.name} of the Node reference (npm ci brings it)"
    if missing and os.environ.get("CI"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    answered = subprocess.run(
        [node or "node", str(HERE / script), str(NODE_PACKAGES)],
        input=json.dumps(batch, default=write_bytes),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert answered.returncode == 0, answered.stderr
    answers: dict[str, Any] = json.loads(answered.stdout, object_hook=read_bytes)
    assert all(len(answers[kind]) == len(items) for kind, items in batch.items())
    return answers


def write_bytes(value: bytes) -> dict[str, str]:
    """Bytes as JSON."""
    return {"$bytes": base64.b64encode(value).decode("ascii")}


def read_bytes(value: dict[str, Any]) -> Any:
    """The bytes that `write_bytes` wrote; any other object as it is."""
    return base64.b64decode(value["$bytes"]) if "$bytes" in value else value
