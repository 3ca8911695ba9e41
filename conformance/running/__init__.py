"""A run under pytest."""
