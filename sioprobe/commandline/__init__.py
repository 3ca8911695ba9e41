"""What the command lines share: options that say who comes to a server, and errors of one line."""
