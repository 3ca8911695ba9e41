"""The process of a client, with the children that it leaves behind."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from conformance.agent.process import AgentProcess

LEAVES_A_CHILD = """
import json, subprocess
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
print(json.dumps({"seen": "child", "pid": child.pid}), flush=True)"""


def test_a_child_in_a_session_of_its_own_hides_no_end_and_is_ended() -> None:
    async def play() -> tuple[int | None, dict[str, Any]]:
        process = await AgentProcess.start([sys.executable, "-c", LEAVES_A_CHILD], {})
        words: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        ended = asyncio.Event()
        process.heard, process.at_end = words.put_nowait, ended.set
        word = await words.get()
        await asyncio.wait_for(ended.wait(), 60)
        await process.kill()
        return process.code, word

    code, word = asyncio.run(play())
    assert code == 0
    status = Path(f"/proc/{word['pid']}/stat")
    assert not status.exists() or ") Z" in status.read_text()
