"""A worker that joins a running test is told to start before its runner is made and `init` is fired."""

from __future__ import annotations

import subprocess
import sys

from tests.servers import ROOT

PROGRAM = """
from argparse import Namespace
from locust.env import Environment
from locust.runners import WorkerRunner
from sioprobe.locusts.conductor import attachment_of

class Runner(WorkerRunner):
    custom_messages, user_count = {}, 1
    def __init__(self): pass
    def __del__(self): pass
    def register_message(self, *_, **__): pass
    def _send_stats(self): pass

environment = Environment()
environment.parsed_options = Namespace(worker=True, csv_prefix=None, sioprobe_run="the test")
started = []

@environment.events.test_start.add_listener
def begin(environment, **_):
    started.append(attachment_of(environment))

environment.events.test_start.fire(environment=environment)
assert len(started) == 1, "a listener was called twice"
attachment, = started
attachment.engine.recorder.series("SIO ack", "x").record(100)
attachment.statistics.flush()
assert not environment.stats.entries, "counted where the master never hears of it"

environment.runner = Runner()
environment.events.init.fire(environment=environment, runner=environment.runner, web_ui=None)
data = {}
environment.events.report_to_master.fire(client_id="c", data=data)
(type, name, sample), = data["sioprobe"]["series"]
assert sample["histogram"]["pairs"] == [[100, 1]]
assert environment.stats.total.num_requests == 1
assert data["sioprobe"]["state"]["run"] == "the test"
assert data["sioprobe"]["state"]["final"] is False
print("told")
"""


def test_what_a_worker_counts_before_it_has_a_runner_is_reported_later() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.stdout, done.returncode) == ("told\n", 0), done.stderr
