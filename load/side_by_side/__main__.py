"""`python -m load.side_by_side`: a life for each request, a JSON line with the fields of `LifeRequest`."""

from __future__ import annotations

from load.side_by_side.answering import answer_all
from load.side_by_side.life import measure_life

if __name__ == "__main__":
    raise SystemExit(answer_all(measure_life))
