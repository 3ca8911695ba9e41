"""The last lines of each room."""

from collections import defaultdict, deque


class History:
    def __init__(self, length=5):
        self._rooms = defaultdict(lambda: deque(maxlen=length))

    def add(self, room, name, text):
        self._rooms[room].append((name, text))

    def of(self, room):
        return list(self._rooms[room])
