"""Wrong usage of the judge."""

__all__ = ["UsageError"]


class UsageError(Exception):
    """A wrong option, URL or profile. The message is one line and holds no secret."""
