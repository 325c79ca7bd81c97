"""A batch: events that leave together, put into a transport's form once for all who are sent the same."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from events.cursor import Cursor
from events.encoding import Envelope

BATCH_BYTES = 256 * 1024
Message = dict[str, Any]


class Notice:
    """Something for those who are here now: no cursor, not in the log."""

    __slots__ = ("_forms", "data", "topic")

    def __init__(self, topic: str, data: dict[str, Any]) -> None:
        self.topic = topic
        self.data = data
        self._forms: dict[str, Message] = {}

    def form(self, name: str, render: Callable[[str, Any], Message]) -> Message:
        """Return the message of this name, rendering it at the first call."""
        message = self._forms.get(name)
        if message is None:
            message = self._forms[name] = render(self.topic, self.data)
        return message


class Batch:
    """Some events in order; whoever had everything up to `start` has, with them, everything up to `cursor`."""

    __slots__ = ("_forms", "cursor", "events", "start")

    def __init__(self, start: int, events: list[Envelope], cursor: Cursor) -> None:
        self.start = start
        self.events = events
        self.cursor = cursor
        self._forms: dict[str, Message] = {}

    def joined(self, separator: str) -> str:
        """Return the encoded events as one text."""
        return separator.join([event.encoded for event in self.events])

    def form(self, name: str, render: Callable[["Batch"], Message]) -> Message:
        """Return the message of this name, rendering it at the first call."""
        message = self._forms.get(name)
        if message is None:
            message = self._forms[name] = render(self)
        return message


def batches(events: Iterable[Envelope], start: int, end: Cursor) -> Iterator[Batch]:
    """Split events into batches of bounded size; the last one reaches to the end."""
    held: list[Envelope] = []
    size = 0
    for event in events:
        if held and size + len(event.encoded) > BATCH_BYTES:
            reached = held[-1].position
            yield Batch(start, held, Cursor(end.epoch, reached))
            start, held, size = reached, [], 0
        held.append(event)
        size += len(event.encoded)
    if held:
        yield Batch(start, held, end)
