"""Help pages of click commands: options in groups, then examples and exit codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import click

__all__ = [
    "HOW_MUCH",
    "OUTPUT",
    "SETTINGS",
    "VERDICT",
    "WHAT",
    "WHO",
    "GroupedCommand",
    "Option",
    "option",
]

WHAT, HOW_MUCH, WHO, VERDICT, OUTPUT = "What is loaded", "How much", "Who comes", "Verdict", "Output"
"""Groups that several commands have."""

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
MOST_COLUMNS = 28
"""Of the names of options; the text of a longer one begins on the next line."""


class Option(click.Option):
    """An option that stands in one group of the help page, which shows its default unless that is empty."""

    def __init__(self, *words: Any, group: str = OUTPUT, **more: Any) -> None:
        super().__init__(*words, **{"show_default": bool(more.get("default")), **more})
        self.group = group


option = partial(click.option, cls=Option)


class GroupedCommand(click.Command):
    """A command whose help page has its options in groups; examples and exit codes follow.

    `{program}` in an example stands for the name by which the command was called. `more` are sections of a
    name and a text each.
    """

    def __init__(
        self,
        *arguments: Any,
        examples: Sequence[str] = (),
        more: Mapping[str, Mapping[str, str]] | None = None,
        exit_codes: Mapping[int, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **{"context_settings": SETTINGS, **options})
        self._sections: dict[str, Mapping[str, str]] = {
            "Examples": dict.fromkeys(examples, ""),
            **(more or {}),
            "Exit codes": {str(code): meaning for code, meaning in (exit_codes or {}).items()},
        }

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups in the order in which the options were declared, what has no group last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                groups.setdefault(getattr(param, "group", OUTPUT), []).append(record)
        groups[OUTPUT] = groups.pop(OUTPUT, [])
        columns = min(MOST_COLUMNS, max(len(words) for rows in groups.values() for words, _ in rows))
        for title, rows in groups.items():
            with formatter.section(title):
                formatter.write_dl([(words.ljust(columns), text) for words, text in rows], col_max=columns)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, further sections and the exit codes."""
        super().format_epilog(ctx, formatter)
        for title, rows in self._sections.items():
            if rows:
                with formatter.section(title):
                    names = [name.format(program=ctx.command_path) for name in rows]
                    formatter.write_dl(list(zip(names, rows.values(), strict=True)))
