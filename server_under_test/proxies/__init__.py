"""The proxies that may stand before the processes, one module for each."""
