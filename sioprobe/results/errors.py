"""The error of a result file that cannot be used."""

from __future__ import annotations


class ResultFileError(Exception):
    """A result file is unreadable or not what it should be; one line: file, place, what is wrong."""
