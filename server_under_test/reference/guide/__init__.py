"""The Flask-SocketIO guide, feature by feature, in namespaces of its own.

`/guide` and `/test` use decorators, `/chat` has rooms, `/class` is a class.
Importing this package registers every handler.
"""

from server_under_test.reference.guide import (
    broadcasting,
    class_namespaces,
    connections,
    failures,
    receiving,
    rooms,
    sending,
    server_initiated,
)

__all__ = [
    "broadcasting",
    "class_namespaces",
    "connections",
    "failures",
    "receiving",
    "rooms",
    "sending",
    "server_initiated",
]
