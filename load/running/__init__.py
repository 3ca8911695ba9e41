"""One run under Locust: its options, its stages, its server, its verdict and exit code."""
