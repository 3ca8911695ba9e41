"""The result files: what a run, a conformance pass and a report write, and how to read them again."""
