"""How runs end on a machine whose cores others use: the generator may be INVALID there, and says so by 3."""

from __future__ import annotations

__all__ = ["assert_nothing_failed"]


def assert_nothing_failed(code: int, said: str) -> None:
    """Exit code 0, or 3 beside the verdict INVALID; `said` is what the run wrote."""
    if "verdict: INVALID" in said or '"verdict": "INVALID"' in said:
        assert code in (0, 3), said
    else:
        assert code == 0, said
