"""The arms of a comparison: servers of `sioprobe serve`, and anybody's application by command or by URL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from load.profiles.reading import ProfileError
from load.servers.command import PORT, CommandError, ServerCommand, check_ready, has_port, split_command
from load.servers.processes import server_command
from sioprobe.commandline.server_url import problem_with_url
from sioprobe.results.primitives import AtLeastOne, Count

__all__ = ["ArmPlan", "arm_of_option", "command_of", "expand", "unique", "without_folders"]

MODE = "{mode}"
USUAL_MODES = ("threading", "eventlet", "gevent")
KINDS = ("server", "command", "url")
OF_A_COMMAND = ("modes", "setup", "env", "cwd", "ready")


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """One server: how many processes it has, and whether it is put under load.

    It is the reference server in an async `mode`, a foreign `server`, or an application of one's own: a
    `command` that starts it, or the `url` where it runs. A command may have a `setup` for the shell, an
    `env`, a folder `cwd`, and `ready` as `load.servers.command.ServerCommand` has it. `{mode}` in them stands
    for its `mode`, or for one of `modes`, each of which makes an arm.
    """

    id: str = ""
    title: str = ""
    mode: str = ""
    server: str = ""
    workers: AtLeastOne = 1
    """Its processes, as `sioprobe serve --workers` has it."""
    queue: str = ""
    proxy: str = ""
    """What stands before the processes, as `sioprobe serve --proxy` has it."""
    sticky: str = ""
    """What keeps a client at its process behind the proxy."""
    load: bool = True
    rounds: Count = 0
    """Blocks of each transport at most, spread over the rounds of the plan; 0 is one in each round."""
    command: str = ""
    url: str = ""
    modes: tuple[str, ...] = ()
    setup: str = ""
    env: dict[str, str] = field(default_factory=dict)
    cwd: str = ""
    ready: str = ""

    def in_round(self, number: int, rounds: int) -> bool:
        """Whether it has a block in this of so many rounds."""
        made, made_before = ((n * self.rounds) // rounds for n in (number - 1, number - 2))
        return not self.rounds or made > made_before

    @property
    def own(self) -> bool:
        """Whether it is an application of one's own, which need not have the contract."""
        return bool(self.command or self.url)

    @property
    def processes(self) -> int:
        """How many processes want a core while it serves: queue and proxy are such, too."""
        return self.workers + bool(self.queue) + bool(self.proxy)

    def behind(self, queue: str, workers: int) -> ArmPlan:
        """The same server in so many processes, which this queue joins."""
        words = f"{workers} process{'es' if workers > 1 else ''}, {queue}"
        return replace(
            self,
            id=f"{self.id}-{workers}-{queue}",
            title=f"{self.title}, {words}",
            workers=workers,
            queue=queue,
        )

    @property
    def serve_options(self) -> tuple[str, ...]:
        """The options with which `sioprobe serve` starts it."""
        cluster: tuple[str, ...] = (
            ("--workers", str(self.workers), "--queue", self.queue) if self.queue else ()
        )
        for option in ("proxy", "sticky"):
            if value := getattr(self, option):
                cluster += (f"--{option}", value)
        return (*(("--server", self.server) if self.server else ("--mode", self.mode)), *cluster)

    def as_json(self) -> dict[str, Any]:
        """The plan of the arm in run.json: without folders of this machine and values of the environment."""
        shown = asdict(self)
        for key in ("command", "url", *OF_A_COMMAND, "proxy", "sticky"):
            if not shown[key] or key in ("cwd", "modes"):
                del shown[key]
        if self.env:
            shown["env"] = sorted(self.env)
        for key in ("command", "setup"):
            if key in shown:
                shown[key] = without_folders(shown[key])
        return shown


def command_of(plan: ArmPlan, *options: str) -> ServerCommand:
    """How the server of an arm without a URL is started; `options` are for `sioprobe serve` alone."""
    if not plan.command:
        return server_command(*plan.serve_options, *options)
    return ServerCommand(
        command=split_command(plan.command),
        folder=plan.cwd or None,
        environment=plan.env,
        ready=plan.ready or "port",
    )


def expand(plan: ArmPlan, folder: Path, place: str) -> list[ArmPlan]:
    """The arms that one entry of a profile makes, checked. Raises ProfileError, which names the `place`.

    `folder` is where a relative `cwd` begins.
    """
    given = [kind for kind in KINDS if getattr(plan, kind)]
    if plan.mode and not plan.own:
        given = ["mode", *given]
    if len(given) != 1:
        line = f"has {' and '.join(given)}; one is enough" if given else "needs mode, server, command or url"
        raise ProfileError(f"{place}: {line}")
    if plan.mode and plan.modes:
        raise ProfileError(f"{place}: has mode and modes; one is enough")
    for key in () if plan.command else OF_A_COMMAND:
        if getattr(plan, key):
            raise ProfileError(f"{place}: {key} needs a command")
    modes = _modes(plan, place)
    if not plan.id and not modes:
        raise ProfileError(f"{place}: needs id")
    arms = [_with_mode(plan, mode) for mode in modes] or [_filled(plan, plan.mode)]
    return [_checked(arm, folder, place) for arm in arms]


def _modes(plan: ArmPlan, place: str) -> tuple[str, ...]:
    fills = any(MODE in text for text in (plan.command, plan.setup, plan.cwd, *plan.env.values()))
    if plan.modes and not fills:
        raise ProfileError(f"{place}: modes fill {MODE}, which stands neither in the command nor in env")
    return plan.modes or (USUAL_MODES if fills and not plan.mode else ())


def _with_mode(plan: ArmPlan, mode: str) -> ArmPlan:
    name = f"{plan.id}-{mode}" if plan.id else mode
    title = f"{plan.title}, {mode}" if plan.title else name
    return _filled(replace(plan, id=name, title=title, mode=mode, modes=()), mode)


def _filled(plan: ArmPlan, mode: str) -> ArmPlan:
    def filled(text: str) -> str:
        return text.replace(MODE, mode)

    return replace(
        plan,
        title=plan.title or plan.id,
        command=filled(plan.command),
        setup=filled(plan.setup),
        cwd=filled(plan.cwd),
        env={key: filled(value) for key, value in plan.env.items()},
    )


def _checked(arm: ArmPlan, folder: Path, place: str) -> ArmPlan:
    if not arm.id.replace("-", "").replace("_", "").isalnum():
        raise ProfileError(f"{place}: id {arm.id!r} may hold letters, digits, '-' and '_' only")
    if not arm.own:
        if arm.workers > 1 and not arm.queue:
            raise ProfileError(f'{place}: {arm.workers} workers need a queue, such as queue = "redis"')
        return arm
    for key in ("queue", "proxy", "sticky"):
        if getattr(arm, key):
            raise ProfileError(f"{place}: {key} is for servers of `sioprobe serve`")
    if arm.url:
        problem = problem_with_url(arm.url)
        if problem is None and not re.match(r"https?://[^/]", arm.url):
            problem = f"{arm.url!r} does not begin with http:// or https://"
        if problem is not None:
            raise ProfileError(f"{place}: url {problem}")
        return replace(arm, url=arm.url.rstrip("/"))
    where = folder / arm.cwd
    if not where.is_dir():
        raise ProfileError(f"{place}: cwd {arm.cwd!r} is no folder")
    for key, check, value in (
        ("command", split_command, arm.command),
        ("ready", check_ready, arm.ready or "port"),
    ):
        try:
            check(value)
        except CommandError as error:
            raise ProfileError(f"{place}: {key} {error}") from None
    if arm.ready != "READY" and not has_port([arm.command, *arm.env.values()]):
        raise ProfileError(
            f"{place}: command {without_folders(arm.command)!r} has no {PORT}; write it where the port"
            " stands, or let the server say its URL (ready READY)"
        )
    return replace(arm, cwd=str(where))


def arm_of_option(option: str, text: str, ready: str = "") -> list[ArmPlan]:
    """The arms of `--arm-command NAME=COMMAND` or `--arm-url NAME=URL`. Raises ProfileError."""
    name, found, value = text.partition("=")
    kind = option.removeprefix("--arm-")
    if not found or not re.fullmatch(r"[\w-]+", name) or not value:
        # A URL may hold a password or a token.
        shown = "" if kind == "url" and {"@", "?"} & set(text) else f" {text!r}"
        raise ProfileError(f"{option}{shown} is not NAME={kind.upper()}")
    plan = ArmPlan(id=name, command=value, ready=ready) if kind == "command" else ArmPlan(id=name, url=value)
    return expand(plan, Path.cwd(), f"{option} {name}")


def unique(arms: Iterable[ArmPlan], place: str) -> tuple[ArmPlan, ...]:
    """The arms, if no two of them have the same id. Raises ProfileError."""
    found: dict[str, ArmPlan] = {}
    for arm in arms:
        if arm.id in found:
            raise ProfileError(f"{place}: there are two arms {arm.id!r}")
        found[arm.id] = arm
    return tuple(found.values())


def without_folders(command: str) -> str:
    """The command as others may see it: `.../python` for `/home/me/.venv/bin/python`."""
    return re.sub(r"(?<![\w.:/-])/(?:[^\s/'\"]+/)+", ".../", command)
