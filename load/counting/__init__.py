"""Exact counts of what a server does for one message: calls, bytecodes, allocations, system calls, bytes.

A count does not vary with the machine's speed: equal code gives equal numbers on the busiest machine. It
says whether and where the work changed, and not how much that costs.

`inserted/` goes into the server's process by a `sitecustomize` and counts there, into files mapped to
memory, which `python -m load.counting` reads while the server is silent.
"""
