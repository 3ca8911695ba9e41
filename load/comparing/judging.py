"""The judge asks the server of an arm: all that it may know of it, and the verdicts in the folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from load.comparing.arm_servers import ArmServer
from load.comparing.arms import ArmPlan, without_folders
from load.servers.command import PORT
from load.servers.processes import ChildError, run_child
from sioprobe.commandline.connection_options import ConnectionOptions
from sioprobe.results.files import conformance_path, read_conformance, write_conformance

__all__ = ["judge_arm"]

CONFORMANCE_DEADLINE = 150.0  # seconds for one server
FIRST_PORT = 5000


def judge_arm(
    plan: ArmPlan,
    server: ArmServer,
    folder: Path,
    connection: ConnectionOptions,
    *,
    options: Sequence[str],
    library: str | None,
) -> None:
    """Write the verdicts about this server into the folder. Raises ChildError if there are none.

    `options` are those that `sioprobe serve` got. `library` is the version of Flask-SocketIO where an
    application of one's own runs: it need not have the contract, but it has the known deviations. The judge
    finds its mode in the process.
    """
    about: list[str] = [] if plan.own else ["--level", "2"]
    if plan.own and library:
        about += ["--target-library", "flask-socketio", "--target-version", library]
    urls = [word for url in server.urls for word in ("--url", url)]
    # The judge's own file lies elsewhere: a part of it must not look like the whole.
    with TemporaryDirectory() as scratch:
        report = Path(scratch) / "conformance.json"
        words = (*urls, *connection.arguments(Path(scratch), packing=False), *about, "--report", str(report))
        code, complaint = run_child("conformance", *words, deadline=CONFORMANCE_DEADLINE)
        if code not in (0, 1) or not report.exists():
            raise ChildError(f"the judge could not judge it (exit code {code}): {complaint}")
        result = read_conformance(report)
    for case in result["cases"]:
        if case.get("reproduce"):
            case["reproduce"] = _reproduce(plan, server, str(case["reproduce"]), options)
    write_conformance(conformance_path(folder, plan.id), result)


def _reproduce(plan: ArmPlan, server: ArmServer, command: str, options: Sequence[str]) -> str:
    """The command of a case, after the command that starts its server: the judged server is gone."""
    if plan.url:
        return command
    for number, url in enumerate(server.urls):
        command = command.replace(url, f"http://127.0.0.1:{FIRST_PORT + number}")
    serve = " ".join(("sioprobe serve", *plan.serve_options, *options))
    if plan.command:
        serve = without_folders(plan.command.replace(PORT, str(FIRST_PORT)))
    return f"{serve}; then: {command}"
