"""Users that connect, work, leave and come again, and what the server keeps of them."""
