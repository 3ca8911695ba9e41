"""Servers with the same contract and other libraries: how to build and start each of them."""
