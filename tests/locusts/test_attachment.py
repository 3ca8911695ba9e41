"""What is attached to a Locust environment: once, and in front of Locust where it has to be."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.servers import ROOT

PROGRAM = """
import json
from locust.env import Environment
from sioprobe.locusts.conductor import attachment_of

environment = Environment()
environment.create_local_runner()
events = vars(environment.events)
for event in events.values():
    event.add_listener(lambda **_: None)  # a locustfile's

attachment = attachment_of(environment)
assert attachment_of(environment) is attachment

def ours(event):
    modules = [listener.__module__ or "" for listener in event._handlers]
    return [
        "first" if index == 0 else "last" if index == len(modules) - 1 else "between"
        for index, module in enumerate(modules)
        if module.startswith("sioprobe.")
    ]

print(json.dumps({name: ours(event) for name, event in events.items() if ours(event)}))
"""


def test_each_event_has_one_listener_and_locusts_own_lie_between_those_of_quitting() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    assert done.returncode == 0, done.stderr
    listeners = json.loads(done.stdout)
    # Of the module that adds the option --sio-events.
    listeners.pop("init_command_line_parser", None)
    assert listeners == {
        "report_to_master": ["first"],
        "worker_report": ["first"],
        "test_start": ["last"],
        "spawning_complete": ["last"],
        "reset_stats": ["last"],
        "test_stopping": ["last"],
        "test_stop": ["first"],
        "quitting": ["first", "last"],
    }
