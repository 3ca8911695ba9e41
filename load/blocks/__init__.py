"""One block: a short measurement on fresh connections without Locust, in a process of its own."""
