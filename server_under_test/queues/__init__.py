"""The queues that join several server processes, one module for each."""
