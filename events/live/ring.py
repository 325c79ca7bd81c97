"""The ring: recent events kept in memory, bounded in bytes, so that a storm of reconnects asks the database nothing."""

from collections import deque
from itertools import islice

from events.encoding import Envelope


class Ring:
    """The last events in position order without a hole."""

    def __init__(self, position: int, max_bytes: int) -> None:
        self._events: deque[Envelope] = deque()
        self._bytes = 0
        self._max_bytes = max_bytes
        # Everything after this position, up to the last event, is in the ring.
        self.start = position

    def append(self, event: Envelope) -> None:
        """Keep the next event; the oldest ones leave when the ring is full."""
        self._events.append(event)
        self._bytes += len(event.encoded)
        while self._bytes > self._max_bytes:
            oldest = self._events.popleft()
            self._bytes -= len(oldest.encoded)
            self.start = oldest.position

    def clear(self, position: int) -> None:
        """Forget everything; what comes next follows the position."""
        self._events.clear()
        self._bytes = 0
        self.start = position

    def covers(self, position: int) -> bool:
        """Say whether all that came after the position is here."""
        return position >= self.start

    def after(self, position: int) -> islice:
        """Iterate over the events after a position that is covered; positions are dense, so this is a slice."""
        return islice(self._events, max(0, position - self.start), None)
