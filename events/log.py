"""Reading the log: its head, and pages of it for one topic, many, or all. Every read is bounded and indexed."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from events.catalogue import EventType, UnknownEventType, find_event_type, matches
from events.cursor import Cursor
from events.encoding import Envelope, cloud_event, encode
from events.models import Event, LogHead

PAGE_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log stands: its epoch, its last position, and up to where it has been pruned."""

    epoch: str
    position: int
    pruned: int

    @property
    def cursor(self) -> Cursor:
        """Return the cursor that has seen everything."""
        return Cursor(self.epoch, self.position)

    def refuses(self, cursor: Cursor) -> str | None:
        """Return why a reader cannot go on from the cursor (`epoch`, `retention`, `ahead`), or None."""
        if cursor.epoch != self.epoch:
            return "epoch"
        if cursor.position < self.pruned:
            return "retention"
        return "ahead" if cursor.position > self.position else None


def head() -> Head:
    """Read the head of the log."""
    row = LogHead.objects.values_list("epoch", "position", "pruned").get(pk=1)
    return Head(*row)


@dataclass(frozen=True, slots=True)
class Page:
    """Some events in order, and the position up to which nothing else was to be found: read on from there."""

    events: list[Event]
    position: int


def page(
    topics: Collection[str] | None, *, after: int, upto: int, limit: int = PAGE_LIMIT, types: Collection[str] = ()
) -> Page:
    """Read the events after a position, of some topics or of all (None), that match the type patterns, if any.

    The limit bounds the events read, before the filter by type, so that a rare type costs no long walk.
    """
    events = _page_of_all(after, upto, limit) if topics is None else _page_of(set(topics), after, upto, limit)
    reached = events[-1].position if len(events) == limit else upto
    return Page([event for event in events if not types or matches(event.type, types)], reached)


def _page_of_all(after: int, upto: int, limit: int) -> list[Event]:
    return list(Event.objects.filter(position__gt=after, position__lte=upto).order_by("position")[:limit])


def _page_of(topics: set[str], after: int, upto: int, limit: int) -> list[Event]:
    # One index probe per topic, each stopping at the limit, and only the page's own rows are fetched. The pairs are
    # for the planner: with `topic = …` it may walk the log by position instead, minutes for a quiet topic.
    return list(
        Event.objects.raw(
            """
            SELECT event.* FROM events_event AS event JOIN (
                SELECT found.position FROM unnest(%s::text[]) AS wanted(name)
                CROSS JOIN LATERAL (
                    SELECT position FROM events_event
                    WHERE (topic, position) > (wanted.name, %s) AND (topic, position) <= (wanted.name, %s)
                    ORDER BY topic, position LIMIT %s
                ) AS found
                ORDER BY found.position LIMIT %s
            ) AS page USING (position)
            ORDER BY position
            """,
            [list(topics), after, upto, limit, limit],
        )
    )


def as_cloud_event(event: Event, epoch: str) -> dict[str, Any]:
    """Return a row of the log as the object that goes over the wire."""
    return cloud_event(
        source=settings.TIDEWIRE_SOURCE,
        epoch=epoch,
        position=event.position,
        previous=event.previous,
        event_id=event.event_id,
        type=event.type,
        topic=event.topic,
        subject=event.subject,
        time=event.time,
        data=event.data,
        version=type_version(event.type),
        extensions=event.extensions,
    )


def envelope(event: Event, epoch: str) -> Envelope:
    """Return a row of the log as the live side carries it."""
    return Envelope(event.position, event.topic, event.type, encode(as_cloud_event(event, epoch)))


@dataclass(frozen=True, slots=True)
class EncodedPage:
    """A page as the live side carries it, and the head read after it: rows pruned meanwhile show in its `pruned`."""

    events: list[Envelope]
    position: int
    head: Head


def encoded_page(
    topics: Collection[str] | None, *, after: int, upto: int, limit: int = PAGE_LIMIT, types: Collection[str] = ()
) -> EncodedPage:
    """Read a page as `page` does, encoded; the page counts only if the head read after it accepts the position."""
    found = page(topics, after=after, upto=upto, limit=limit, types=types)
    now = head()
    return EncodedPage([envelope(event, now.epoch) for event in found.events], found.position, now)


def type_version(name: str) -> int:
    """Return the version of a type's schema; an event outlives its declaration, so an unknown one has version 1."""
    try:
        declared: EventType = find_event_type(name)
    except UnknownEventType:
        return 1
    return declared.version


def oldest_waiting_seconds() -> float:
    """Return how long the oldest committed event has waited in the outbox; 0 when none does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp() - time) FROM events_outbox ORDER BY id LIMIT 1")
        row = cursor.fetchone()
    return max(0.0, float(row[0])) if row else 0.0
