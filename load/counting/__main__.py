"""`python -m load.counting`: counts for each request, a JSON line with the fields of `LifeRequest`."""

from __future__ import annotations

from load.counting.counted import count_sides
from load.side_by_side.answering import answer_all

if __name__ == "__main__":
    raise SystemExit(answer_all(count_sides))
