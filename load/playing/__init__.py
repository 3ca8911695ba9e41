"""What scenarios are made of: players, parameters, pacing, rooms, lives, and what they find."""
