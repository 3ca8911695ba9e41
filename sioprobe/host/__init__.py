"""The processes of this host: who listens at a port, who belongs to whom, who waits for a CPU. Linux only."""
