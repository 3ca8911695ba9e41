"""The parts that several scenarios share: parameters, players, pacing, rooms, lives, observations."""
