"""The ring: recent events kept in memory, bounded in bytes, so that a storm of reconnects asks the database nothing."""

from events.encoding import Envelope


class Ring:
    """The last events in position order without a hole."""

    def __init__(self, position: int, max_bytes: int) -> None:
        self._events: list[Envelope] = []
        # Those before this index have left; the list is cut when they are half of it, so that each leaves at no cost.
        self._first = 0
        self._bytes = 0
        self._max_bytes = max_bytes
        # Everything after this position, up to the last event, is in the ring.
        self.start = position

    def append(self, event: Envelope) -> None:
        """Keep the next event; the oldest ones leave when the ring is full."""
        self._events.append(event)
        self._bytes += len(event.encoded)
        while self._bytes > self._max_bytes:
            self._drop_oldest()
        self._cut()

    def forget(self, upto: int) -> None:
        """Keep nothing up to a position: the log holds it no more."""
        while self.start < upto and self._first < len(self._events):
            self._drop_oldest()
        self._cut()

    def _drop_oldest(self) -> None:
        oldest = self._events[self._first]
        self._first += 1
        self._bytes -= len(oldest.encoded)
        self.start = oldest.position

    def _cut(self) -> None:
        if self._first * 2 > len(self._events):
            del self._events[: self._first]
            self._first = 0

    def replace(self, event: Envelope) -> None:
        """Hold another form of an event; one that has left, or has not come, stays so."""
        place = self._first + event.position - self.start - 1
        if self._first <= place < len(self._events):
            self._bytes += len(event.encoded) - len(self._events[place].encoded)
            self._events[place] = event

    def clear(self, position: int) -> None:
        """Forget everything; what comes next follows the position."""
        self._events.clear()
        self._first = self._bytes = 0
        self.start = position

    def covers(self, position: int) -> bool:
        """Say whether all that came after the position is here."""
        return position >= self.start

    def between(self, after: int, upto: int) -> list[Envelope]:
        """Return the events after a covered position, up to another; positions are dense, so this is a slice."""
        origin = self._first - self.start
        return self._events[max(self._first, origin + after) : max(self._first, origin + upto)]
