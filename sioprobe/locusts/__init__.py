"""Everything that knows Locust: its statistics, events, workers and web page."""
