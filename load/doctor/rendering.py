"""The result of an examination as text for a terminal of 100 columns."""

from __future__ import annotations

import textwrap
from typing import Any

__all__ = ["render"]

WIDTH = 100


def render(result: dict[str, Any]) -> str:
    """The findings, then what was seen, then what was not examined."""
    server = result["server"]
    who = ", ".join(f"{each['pid']} {each['name']}".strip() for each in server["processes"])
    name = server["mode"] or server["name"]
    known = [each for each in (name, server["header"], f"process {who}" if who else None) if each]
    lines = [f"{result['url']}" + (f" ({'; '.join(known)})" if known else "")]
    findings = result["findings"]
    if not findings:
        lines.append("Nothing was found in what was examined.")
    for finding in findings:
        lines += ["", f"{finding['id']}: {finding['severity']} ({finding['certainty']})"]
        lines += _wrap(finding["seen"] + ".", "  ", "  ")
        lines += _wrap(finding["means"], "  ", "  ")
        for mend in finding["mend"]:
            lines += _wrap(f"{mend['server']}: {mend['setting']}", "  -> ", "     ")
    lines += ["", f"Examined in {result['seconds']:.0f} s:"]
    for each in result["examined"]:
        lines += _wrap(f"{each['title']}: {each['saw']}", "  ", "    ")
    if result["not_examined"]:
        lines += ["", "Not examined:"]
        unasked = [each["id"] for each in result["not_examined"] if not each["asked"]]
        if unasked:
            lines += _wrap(f"not asked for: {', '.join(unasked)}", "  ", "    ")
        for left_out in result["not_examined"]:
            if left_out["asked"]:
                lines += _wrap(f"{left_out['id']}: {left_out['reason']}", "  ", "    ")
    return "\n".join(lines)


def _wrap(text: str, first: str, others: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=others, break_long_words=False
    ) or [first]
