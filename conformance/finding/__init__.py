"""What is found out about the server before any case runs."""
