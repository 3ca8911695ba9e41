"""sioprobe: judges whether a Socket.IO server keeps the protocol, and measures what it carries."""

__version__ = "0.1.0"
