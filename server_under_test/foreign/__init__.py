"""Servers that share the contract and not the library: how each is built and started."""
