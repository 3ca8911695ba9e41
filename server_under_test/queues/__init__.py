"""Several processes of one mode behind a queue, and the queue itself."""
