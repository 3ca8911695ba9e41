"""run.json as a comparison begins: its plan, its machine, its arms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from load.comparing.arms import ArmPlan
from load.comparing.going_on import plain
from load.comparing.plan import Profile
from sioprobe import __version__
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.harness import harness_root
from sioprobe.results.environment import fingerprint
from sioprobe.results.types import Arm, Run

__all__ = ["new_run", "now"]


def new_run(profile: Profile, connection: ConnectionOptions, command: str) -> Run:
    """The document of a comparison that has measured nothing yet."""
    return {
        "schema": 1,
        "kind": "run",
        "sioprobe": __version__,
        "command": command,
        "profile": plain({**profile.as_json(), "connecting": connection.as_plan()}),
        "environment": fingerprint(harness_root()),
        "started_at": now(),
        "finished_at": None,
        "interrupted": False,
        "arms": [_arm(plan) for plan in profile.arms],
        "cells": [
            {
                "arm": plan.id,
                "transport": cast(Any, transport),
                "scenario": profile.load.scenario,
                "connections": profile.load.connections,
            }
            for plan in profile.arms
            if plan.load and profile.blocks
            for transport in profile.load.transports
        ],
    }


def _arm(plan: ArmPlan) -> Arm:
    return {
        "id": plan.id,
        "title": plan.title,
        "mode": plan.mode or None,
        "workers": plan.workers,
        "queue": plan.queue or None,
        "proxy": plan.proxy or None,
        "status": "not run",
        "reason": "not started yet",
        "versions": {},
        "async_mode": None,
    }


def now() -> str:
    """The time as result files have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
