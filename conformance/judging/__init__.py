"""Cases found, run and judged."""
