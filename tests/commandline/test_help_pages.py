"""Help pages: options in groups, and what follows them."""

from __future__ import annotations

import click
from click.testing import CliRunner

from sioprobe.commandline.help_pages import HOW_MUCH, WHAT, GroupedCommand, option


@click.command(
    cls=GroupedCommand,
    examples=("{program} --url URL",),
    more={"Rooms": {"hall": "the large one"}},
    exit_codes={0: "done", 130: "stopped"},
)
@option("--json", is_flag=True, help="Print JSON.")
@option("--url", group=WHAT, metavar="URL", help="The server.")
@option("--users", group=HOW_MUCH, metavar="N", default=5, help="Connections.")
@option("--profile", group=WHAT, metavar="FILE", help="A file.")
@option("--moved", hidden=True)
def command(**options: object) -> None:
    """Do something."""


PAGE = """\
Usage: program [OPTIONS]

  Do something.

What is loaded:
  --url URL       The server.
  --profile FILE  A file.

How much:
  --users N       Connections.  [default: 5]

Output:
  --json          Print JSON.
  -h, --help      Show this message and exit.

Examples:
  program --url URL

Rooms:
  hall  the large one

Exit codes:
  0    done
  130  stopped
"""


def test_options_stand_in_groups_and_output_comes_last() -> None:
    done = CliRunner().invoke(command, ["--help"], prog_name="program")

    assert done.stdout == PAGE
