"""What one operation costs the generator, beside other generators: `make bench`, or `python -m load.bench`.

Every contender does the same against the same null server; figures are ratios within one run.
How it measures, what could bias it, and the last committed results: `docs/measured/benchmark.md`.
"""
