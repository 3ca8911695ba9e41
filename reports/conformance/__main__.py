"""`python -m reports.conformance FILE...`: the page and the Markdown of conformance results.

`sioprobe conform --html` and `--matrix` start it. It draws nothing and does not load matplotlib.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from reports.conformance.page import render_markdown, render_page
from reports.conformance.server_names import names_of
from reports.writing.wording import slug
from sioprobe.results.errors import ResultFileError
from sioprobe.results.files import read_conformance, write_text

EXAMPLES = """\
examples:
  {prog} gevent.json eventlet.json node.json --html matrix.html --markdown matrix.md
  {prog} result.json --html page.html

exit codes:
  0  written
  2  a file is no conformance result, or cannot be written
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    prog = os.environ.get("SIOPROBE_PROG") or "python -m reports.conformance"
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Write the page and the Markdown of conformance results, with one column for each file.",
        epilog=EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.json", help="conformance results")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the page")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the summary")
    parser.add_argument("--command", help="the command that made the results, for the page")
    options = parser.parse_args(arguments)
    if options.html is None and options.markdown is None:
        parser.error("give --html FILE or --markdown FILE")
    try:
        results = [read_conformance(path) for path in options.files]
        named = dict(zip(names_of(options.files, results), results, strict=True))
        command = options.command or " ".join([prog, *map(str, options.files)])
        if options.html is not None:
            raw = {
                f"{slug(name)}.json": path.read_bytes()
                for name, path in zip(named, options.files, strict=True)
            }
            write_text(options.html, render_page(named, raw, command))
        if options.markdown is not None:
            write_text(options.markdown, render_markdown(named, command))
    except ResultFileError as error:
        print(f"{prog}: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
