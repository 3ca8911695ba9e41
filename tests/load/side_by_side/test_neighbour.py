"""A neighbour that takes a core for half of the lives does not change which server costs more.

`tests/load/blocks/test_good_run.py` holds that blocks beside one are not VALID.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from ci.gate.truth import server
from load.comparing.arms import ArmPlan
from load.comparing.plan import LoadPlan, Profile, SideBySidePlan
from load.comparing.progress import Progress
from load.comparing.side_by_side import measure_lives
from reports.statistics.side_by_side import ALPHA, side_by_side
from reports.statistics.signed_rank import fewest_for
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.results.comparison import PairedRatio
from sioprobe.results.files import LIVES_FILE, read_lives

LIVES = fewest_for(ALPHA)
"""With these all lives have to agree."""
BURDENS = {"light": "none", "heavy": "spin:8000"}
ARMS = tuple(
    ArmPlan(id=name, title=name, command=server("threading", burden), ready="READY")
    for name, burden in BURDENS.items()
)
PROFILE = Profile(
    "two", ARMS, LoadPlan(transports=("websocket",)), SideBySidePlan(lives=LIVES, minimum_lives=LIVES)
)
BURN = "import time\nwhile time.process_time() < 90: pass"


def compared(folder: Path, before_each: Callable[[], None] = lambda: None) -> PairedRatio:
    """What a comparison claims of the CPU of the two; `before_each` is called before each life."""
    folder.mkdir()
    measure_lives(PROFILE, ARMS, folder, Progress(), before_each, ConnectionOptions())
    lives = read_lives(folder / LIVES_FILE)
    assert [line.get("problem") for line in lives] == [None] * LIVES
    (cpu,) = (part for part in side_by_side(lives) if part["figure"] == "cpu_us_per_message")
    (ratio,) = cpu["ratios"]
    return ratio


def test_the_order_of_two_servers_is_the_same_with_and_without_a_neighbour(tmp_path: Path) -> None:
    alone = compared(tmp_path / "alone")
    lives = count(1)
    with subprocess.Popen([sys.executable, "-c", BURN]) as neighbour:

        def end_at_half() -> None:
            if next(lives) == LIVES // 2 + 1:
                assert neighbour.poll() is None
                neighbour.kill()

        try:
            beside = compared(tmp_path / "beside", end_at_half)
        finally:
            neighbour.kill()

    for ratio in (alone, beside):
        assert (ratio["arm"], ratio["over"], ratio["claimed"]) == ("heavy", "light", "more"), ratio
