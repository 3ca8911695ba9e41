"""Conformance results: one page of a server, the matrix of several, and what differs between two."""
