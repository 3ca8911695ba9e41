"""Figures that tests found out, for the end of the run, whichever process found them."""

FIGURE = "figure"
"""The name under which a test records one with `record_property`; the value is a line."""
