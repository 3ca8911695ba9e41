"""Several server processes of one mode, each with a port of its own, joined by a queue.

The supervisor starts them, waits until each hears the others, and prints one READY line for all. Then it
minds them: the options say what it does when one of them ends, and `--play` lets somebody play faults.
"""

from __future__ import annotations

import sys
import time

from server_under_test.cluster.cluster import Cluster
from server_under_test.cluster.parts import Part, Worker
from server_under_test.cluster.play import Player
from server_under_test.cluster.watching import AskedToStop
from server_under_test.starting.options import Options
from server_under_test.starting.readiness import write_line


def run(options: Options) -> int:
    """Serve until a signal comes, and return the exit code. Raises Problem when it cannot start."""
    cluster = Cluster(options)
    try:
        cluster.start()
        write_line(cluster.describe())
        return _mind(cluster)
    except AskedToStop:
        return 0
    finally:
        cluster.stop()


def _mind(cluster: Cluster) -> int:
    """Do what the options say when a part ends, until the end of all. Returns the exit code."""
    player = Player(cluster) if cluster.options.play else None
    if player is not None and sys.stdin is not None:
        cluster.watch.lines(sys.stdin, player.take)
    while True:
        for part in cluster.parts:
            if part.code is not None and not part.end_is_known and not _goes_on_without(cluster, part):
                return 1
        cluster.watch.wait(_begin_those_due(cluster))
        if player is not None:
            player.play()


def _begin_those_due(cluster: Cluster) -> float | None:
    """Start the workers that have waited. Returns in how many seconds the next one is due."""
    now = time.monotonic()
    waiting = [worker for worker in cluster.workers if worker.due is not None]
    for worker in waiting:
        if worker.due is not None and worker.due <= now:
            worker.begin(cluster.watch)
    return min((worker.due - now for worker in waiting if worker.due is not None), default=None)


def _goes_on_without(cluster: Cluster, part: Part) -> bool:
    """Whether the others go on after the end of this part. Says so."""
    part.end_is_known = True
    ended = f"{part.title} ended with code {part.code}"
    restarts = cluster.options.when_one_ends == "restart" and isinstance(part, Worker)
    if restarts and part.about is not None:
        pause = part.put_off()
        print(f"{ended}; starting it again{f' in {pause:.0f} s' if pause else ''}", file=sys.stderr)
        return True
    keeps = cluster.options.play or cluster.options.when_one_ends == "keep"
    if part is cluster.links or not keeps:
        print(f"{ended}; stopping the others", file=sys.stderr)
        return False
    print(f"{ended}; the others go on", file=sys.stderr)
    if cluster.links is not None and part is cluster.queue:
        cluster.links.tell("close")
    if not cluster.options.play and all(worker.code is not None for worker in cluster.workers):
        print("no server is left", file=sys.stderr)
        return False
    return True
