"""Judges whether a Socket.IO server keeps the protocol: a catalogue, cases, verdicts, known deviations.

Run it with `pytest conformance/ --url URL` or `python -m conformance --url URL`.
It speaks to the server over bare TCP through `sioprobe.wire`; no Socket.IO implementation is imported.
"""
