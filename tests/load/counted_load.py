"""`python -m load` whose run ends as soon as there is enough of each kind: see `tests.load.until_counted`."""

from __future__ import annotations

from pathlib import Path

from load import __main__ as front

if __name__ == "__main__":
    front.LOCUSTFILE = Path(f"{front.LOCUSTFILE},{Path(__file__).with_name('until_counted.py')}")
    front.main()
