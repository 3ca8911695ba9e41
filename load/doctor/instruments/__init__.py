"""How the doctor asks: plain blocking sockets, HTTP over them, two clients, many held connections."""
