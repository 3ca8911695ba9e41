"""The client that the cases drive: HTTP/1.1 and WebSocket over asyncio streams, and sessions on top."""
