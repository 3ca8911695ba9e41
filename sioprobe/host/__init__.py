"""The processes of this host: who listens at a port, and who belongs to whom. Linux only."""
