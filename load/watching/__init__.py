"""The processes of a server: found at a port, read, sampled, watched during a run. Complete on Linux only."""
