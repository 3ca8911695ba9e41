"""What the protocol leaves open. A server that takes a liberty breaks nothing, and no case may fail there."""

from enum import Enum


class Liberty(Enum):
    """The value says what such a server does."""

    SHORT_IDS = "a session id has 11 characters, of 64 random bits"
    METHOD_NOT_ALLOWED = "a handshake by another method than GET is answered by HTTP 405"
    # Of revision 3.
    BINARY_PAYLOADS = "every payload is binary for a client that did not ask for base64"
    ACKS_IN_ANY_ORDER = "every second ack comes later, as where events are handled at the same time"
    ACKS_WITHOUT_DATA = "an ack of nothing has no data"
    SILENT_ERRORS = "ERROR gives no reason"


EVERY = frozenset(Liberty)
