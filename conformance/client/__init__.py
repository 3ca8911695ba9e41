"""The judge's own client: HTTP/1.1 and WebSocket over asyncio streams, and sessions above them."""
