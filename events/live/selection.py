"""A selection: some topics and types, shared by all who read just these, so that they are served together."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Protocol
from weakref import WeakValueDictionary

from events.catalogue import matches
from events.encoding import Envelope
from events.live.batch import Batch, Notice


class Asker(Protocol):
    """Someone whose rights may change."""

    def ask_again(self) -> None:
        """Take nothing more before it is known anew what may be read."""


class Reader(Asker, Protocol):
    """Someone with a place in the log."""

    def take(self, batch: Batch) -> None:
        """Take the next events; must not block."""

    def notice(self, notice: Notice) -> None:
        """Take a live-only notice on one of its topics; must not block."""

    def fall_behind(self, position: int, reset: str = "") -> None:
        """Read on from the log: what came after the position was skipped, or the log is another one (`reset`)."""


class Selection:
    """What some readers read alike. Those who are live are offered events; the others read for themselves."""

    def __init__(self, index: "Index", topics: frozenset[str], types: frozenset[str]) -> None:
        self.topics = topics
        self.types = types
        self.readers: set[Reader] = set()
        self.live: set[Reader] = set()
        # What has happened after `since` and has not yet left.
        self.pending: list[Envelope] = []
        self.since = 0
        self._index = index
        # Whatever one of the topics is under: who is concerned is asked of every selection, so it must cost little.
        self._above = frozenset(above for topic in topics for above in _above(topic))
        self._wanted: dict[str, bool] = {}

    def wants(self, type: str) -> bool:
        """Say whether events of this type are read."""
        if not self.types:
            return True
        if type not in self._wanted:
            self._wanted[type] = matches(type, self.types)
        return self._wanted[type]

    def holds(self, event: Envelope) -> bool:
        """Say whether this event is read."""
        return event.topic in self.topics and self.wants(event.type)

    def concerns(self, topic: str) -> bool:
        """Say whether the topic, or one under it, is read."""
        return topic in self.topics or topic in self._above

    def join(self, reader: Reader, position: int) -> None:
        """Offer the reader what happens from now on; the position is the hub's."""
        if not self.live:
            self.since = position
            self._index.open(self)
        self.live.add(reader)

    def leave(self, reader: Reader) -> None:
        """Offer the reader nothing more."""
        if reader in self.live:
            self.live.remove(reader)
            if not self.live:
                self._index.close(self)


def _above(topic: str) -> Iterator[str]:
    while "." in topic:
        topic = topic.rpartition(".")[0]
        yield topic


class Index:
    """Who reads what: from a topic to the selections with somebody live."""

    def __init__(self) -> None:
        self._by_topic: defaultdict[str, set[Selection]] = defaultdict(set)
        self._selections: WeakValueDictionary[tuple[frozenset[str], frozenset[str]], Selection] = WeakValueDictionary()
        # Whose own topic a topic is: their rights change on it, whether they read it or not.
        self._own: defaultdict[str, set[Asker]] = defaultdict(set)

    def __bool__(self) -> bool:
        """Say whether anybody is live."""
        return bool(self._by_topic)

    def selection(self, topics: Collection[str], types: Collection[str]) -> Selection:
        """Return the selection of these topics and types, the same for all who ask for the same."""
        key = frozenset(topics), frozenset(types)
        found = self._selections.get(key)
        if found is None:
            found = self._selections[key] = Selection(self, *key)
        return found

    def open(self, selection: Selection) -> None:
        """Find the selection by its topics from now on."""
        for topic in selection.topics:
            self._by_topic[topic].add(selection)

    def close(self, selection: Selection) -> None:
        """Find the selection no more; what it still holds is nobody's."""
        selection.pending.clear()
        for topic in selection.topics:
            selections = self._by_topic[topic]
            selections.discard(selection)
            if not selections:
                del self._by_topic[topic]

    def on(self, topic: str) -> Collection[Selection]:
        """Return the selections with somebody live on the topic."""
        return self._by_topic.get(topic, ())

    def own(self, topic: str, reader: Asker) -> None:
        """Let the reader be asked again after changes on the topic, which is its own."""
        if topic:
            self._own[topic].add(reader)

    def disown(self, topic: str, reader: Asker) -> None:
        """Let the reader be asked no more after changes on the topic."""
        if reader in self._own.get(topic, ()):
            self._own[topic].remove(reader)
            if not self._own[topic]:
                del self._own[topic]

    def concerned(self, topic: str) -> Iterator[Asker]:
        """Yield every reader whose own topic it is, and every one, live or not, of the topic or of one under it."""
        yield from list(self._own.get(topic, ()))
        for selection in list(self._selections.values()):
            if selection.concerns(topic):
                yield from list(selection.readers)

    def everyone(self) -> Iterator[Asker]:
        """Yield every reader, and all who have a topic of their own."""
        for owners in list(self._own.values()):
            yield from list(owners)
        yield from self.readers()

    def readers(self) -> Iterable[Reader]:
        """Yield every reader, live or not."""
        for selection in list(self._selections.values()):
            yield from list(selection.readers)
