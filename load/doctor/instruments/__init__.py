"""What the doctor examines with: blocking sockets, HTTP, two clients, many held connections."""
