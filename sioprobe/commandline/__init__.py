"""What the commands share: the options of a connection, help pages, and error lines."""
