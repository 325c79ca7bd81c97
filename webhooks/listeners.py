"""The endpoints that listen, held in memory and known to be current: what an event meets on its way to deliveries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from events.catalogue import matches, patterns_of
from events.models import Event
from webhooks import filters
from webhooks.models import Endpoint, EndpointRevision

# Goes to the endpoint that is tested, whatever that wants, and to no other.
TESTED = "webhooks.endpoint.tested"
# An endpoint with more pairs of a type and a topic is found by its topics alone.
PAIRS_MAX = 100


@dataclass(frozen=True, slots=True)
class Listener:
    """What an endpoint wants, and whose it is."""

    endpoint_id: int
    owner_id: int
    created_position: int
    types: frozenset[str]
    topics: frozenset[str]
    content_filter: dict[str, Any]

    def wants(self, event: Event) -> bool:
        """Say whether the event's type, topic and data are what it asks for, whenever the event was."""
        if event.type == TESTED:
            return _tested(event) == str(self.endpoint_id)
        return (
            matches(event.type, self.types)
            and matches(event.topic, self.topics)
            and filters.matches(self.content_filter, event.data)
        )


def listener_of(endpoint: Endpoint) -> Listener:
    """Return what an endpoint wants; it need not have been saved."""
    types, topics = frozenset(endpoint.event_types), frozenset(endpoint.topics)
    return Listener(
        endpoint.pk or 0, endpoint.owner_id, endpoint.created_position, types, topics, endpoint.content_filter
    )


def _tested(event: Event) -> str | None:
    """Return the id of the endpoint that a test event is for."""
    about = event.data.get("endpoint") if isinstance(event.data, dict) else None
    return str(about.get("id")) if isinstance(about, dict) else None


class Listeners:
    """All that listen, found by what an event is: however many they are, only those that may want it are asked."""

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self._by_id: dict[str, Listener] = {}
        self._by_pair: dict[tuple[str, str], list[Listener]] = {}
        for listener in listeners:
            self._by_id[str(listener.endpoint_id)] = listener
            for pair in _pairs(listener):
                self._by_pair.setdefault(pair, []).append(listener)

    def __bool__(self) -> bool:
        return bool(self._by_id)

    def to(self, event: Event) -> list[Listener]:
        """Return those that want an event which is newer than they are, each once."""
        found = {listener.endpoint_id: listener for listener in self._candidates(event)}
        return [
            listener
            for listener in found.values()
            if listener.created_position < event.position and listener.wants(event)
        ]

    def _candidates(self, event: Event) -> Iterator[Listener]:
        if event.type == TESTED:
            tested = self._by_id.get(_tested(event) or "")
            return iter([tested] if tested else [])
        types = [*patterns_of(event.type), ""]
        topics = patterns_of(event.topic)
        return (each for type in types for topic in topics for each in self._by_pair.get((type, topic), ()))


def _pairs(listener: Listener) -> Iterator[tuple[str, str]]:
    types = listener.types if len(listener.types) * len(listener.topics) <= PAIRS_MAX else [""]
    return ((type, topic) for type in types for topic in listener.topics)


_held: tuple[list[UUID], Listeners] | None = None


def current() -> Listeners:
    """Return the endpoints that listen now: from memory unless one has changed since they were read.

    The revision is read before the endpoints: what changes in between is seen by the next call.
    """
    global _held
    revision = list(EndpointRevision.objects.order_by("pk").values_list("revision", flat=True))
    held = _held
    if held is not None and held[0] == revision:
        return held[1]
    listeners = Listeners(map(listener_of, _endpoints()))
    _held = (revision, listeners) if revision else None
    return listeners


def _endpoints() -> Iterator[Endpoint]:
    """Return the endpoints that get deliveries: paused ones too, but none that the server switched off."""
    listening = Endpoint.objects.filter(disabled_reason="").order_by("pk")
    fields = ("owner_id", "created_position", "event_types", "topics", "content_filter")
    return listening.only(*fields).iterator()
