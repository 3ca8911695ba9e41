"""Judges whether a Socket.IO server keeps the protocol.

Run it with `pytest conformance/ --url URL` or `python -m conformance --url URL`.
It speaks to the server over TCP through `sioprobe.wire`, and imports no Socket.IO implementation.
"""
