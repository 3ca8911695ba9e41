"""Several server processes joined by a queue, and the queue itself."""
