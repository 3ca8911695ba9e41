"""Rooms in which some members stop reading."""
