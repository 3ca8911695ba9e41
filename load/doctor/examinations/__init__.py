"""One module an examination: what it asks of a server, and what it says."""
