"""The comparison: rounds of blocks over all servers and transports."""
