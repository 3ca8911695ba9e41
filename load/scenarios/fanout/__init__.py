"""Rooms of N members, in which every delivery is timed and accounted for."""
