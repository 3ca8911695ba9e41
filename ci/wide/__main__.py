"""`python -m ci.wide [ROW...]`: judges servers beyond those of `make matrix`, and puts them side by side."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import click

from ci.pages import with_lines
from ci.wide.rows import ROOT, ROWS, Row
from ci.wide.standing import NotRun, Standing, set_up, standing
from ci.wide.table import HEAD, line_of, not_run
from load.servers.children import ChildError, end_all
from load.servers.processes import run_child
from sioprobe.commandline.choices import OneOf
from sioprobe.commandline.one_line import run_command
from sioprobe.results.files import read_conformance, write_conformance, write_text
from sioprobe.results.types import Conformance

AT_ONCE = 3  # a conformance run mostly waits
DEADLINE = 900.0  # seconds for one server; a long way takes minutes
OUT = ROOT / "reports/out"
PAGE = ROOT / "docs/measured/wide.md"


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a row: its result, or why there is none."""

    row: Row
    versions: dict[str, str]
    result: Conformance | None = None
    reason: str = ""


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 the pages are written, whatever they say; 1 no row could be judged; 2 wrong usage.",
)
@click.argument("rows", nargs=-1, type=OneOf("row", ROWS), metavar="[ROW]...")
@click.option("--list", "as_list", is_flag=True, help="List the rows.")
@click.option("--serve", is_flag=True, help="Serve one row until Ctrl-C, and judge nothing.")
@click.option("--record", is_flag=True, help="Put what was judged into docs/measured/wide.md.")
@click.option("--jobs", type=click.IntRange(1), default=AT_ONCE, show_default=True, help="Rows at a time.")
def main(rows: tuple[str, ...], as_list: bool, serve: bool, record: bool, jobs: int) -> None:
    """Judge these rows, or all, and write reports/out/matrix-wide.html and .md with all that were judged."""
    chosen = [row for row in ROWS.values() if not rows or row.name in rows]
    if as_list:
        for row in ROWS.values():
            click.echo(f"{row.name:<20}{row.title}")
        return
    if serve:
        if len(chosen) != 1:
            raise click.UsageError("--serve takes one row")
        _serve(chosen[0])
        return
    judged = {each.row.name: each for each in _judge_all(chosen, jobs)}
    files = [OUT / f"wide/{name}.json" for name in ROWS]
    _write_pages([file for file in files if file.exists()])
    if record:
        direct = read_conformance(files[0]) if files[0].exists() else None
        lines = {name: _line(each, direct) for name, each in judged.items()}
        write_text(PAGE, with_lines(PAGE.read_text("utf-8"), "rows", HEAD, lines, ROWS))
    if not any(each.result for each in judged.values()):
        sys.exit(1)


def _judge_all(rows: list[Row], jobs: int) -> list[Judged]:
    """Set the rows up, one after the other, and judge each as soon as it can run."""
    pool = ThreadPoolExecutor(jobs)
    judged: list[Judged] = []
    try:
        coming = []
        for row in rows:
            try:
                set_up(row)
            except NotRun as error:
                judged.append(_told(Judged(row, {}, reason=str(error))))
            else:
                coming.append(pool.submit(_judge, row))
        judged += [_told(future.result()) for future in as_completed(coming)]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        if sys.exc_info()[0] is not None:
            end_all()
    return judged


def _judge(row: Row) -> Judged:
    file = OUT / f"wide/{row.name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    try:
        with standing(row) as there:
            result = ask(row, there, file)
            return Judged(row, there.versions, result)
    except ChildError as error:
        return Judged(row, {}, reason=str(error))


def ask(row: Row, there: Standing, file: Path, *words: str) -> Conformance:
    """Judge a row that stands; `words` go to the judge. Raises ChildError if there is no result."""
    asked = ("--url", there.url, "--level", "2", "--report", str(file), *words)
    code, complaint = run_child("conformance", *asked, deadline=DEADLINE)
    if code not in (0, 1) or not file.exists():
        raise ChildError(f"the judge could not judge it (exit code {code}): {complaint}")
    result = read_conformance(file)
    for case in result["cases"]:
        again = str(case["reproduce"]).replace(there.url, "http://127.0.0.1:PORT")
        case["reproduce"] = f"make matrix-wide ROWS='--serve {row.name}'; then: {again}"
    write_conformance(file, result)
    return result


def _told(judged: Judged) -> Judged:
    """Print one line about the row."""
    if judged.result is None:
        said = f"not run: {judged.reason}"
    else:
        counts = ", ".join(f"{times} {verdict}" for verdict, times in judged.result["counts"].items())
        said = f"{judged.result['outcome']} in {judged.result['seconds']:.0f} s: {counts}"
    click.echo(f"{judged.row.name:<20}{said}")
    return judged


def _line(judged: Judged, direct: Conformance | None) -> str:
    if judged.result is None:
        return not_run(judged.row, judged.reason)
    return line_of(judged.row, judged.versions, judged.result, direct)


def _write_pages(files: list[Path]) -> None:
    if not files:
        return
    page, summary = OUT / "matrix-wide.html", OUT / "matrix-wide.md"
    words = ("--matrix", *map(str, files), "--html", str(page), "--markdown", str(summary))
    code, complaint = run_child("conformance", *words, deadline=DEADLINE)
    if code:
        raise click.UsageError(f"no page: {complaint}")
    click.echo(f"report: {page}")


def _serve(row: Row) -> None:
    try:
        set_up(row)
        with standing(row) as there:
            click.echo(f"{row.title} at {there.url}; Ctrl-C ends it")
            threading.Event().wait()
    except (NotRun, ChildError) as error:
        raise click.UsageError(f"row {row.name} is not run: {error}") from None
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    run_command(main.main, "python -m ci.wide")
