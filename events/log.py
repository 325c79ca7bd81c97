"""Reading the log: its head, and pages of it for one topic, many, or all. Every read is bounded and indexed."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from events.catalogue import EventType, UnknownEventType, find_event_type, matches
from events.cursor import Cursor
from events.encoding import Envelope, cloud_event, encode
from events.models import Event, LogHead

PAGE_LIMIT = 1000
# So much of the log is held in memory for one page.
PAGE_MAX_BYTES = 16 * 1024 * 1024


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
    return Head(*connection.recall(_head)[0])  # type: ignore[attr-defined]  # our engine's


def _head() -> QuerySet[LogHead, tuple]:
    return LogHead.objects.values_list("epoch", "position", "pruned").filter(pk=1)


def position_before(moment: datetime) -> int:
    """Return the position up to which everything was logged before a moment."""
    last = head().position
    later = Event.objects.filter(logged_at__gte=moment).order_by("logged_at", "position")
    first = later.values_list("position", flat=True).first()
    return last if first is None else first - 1


@dataclass(frozen=True, slots=True)
class Page:
    """Some events in order, and the position up to which nothing else was to be found: read on from there."""

    events: list[Event]
    position: int


def page(
    topics: Collection[str] | None,
    *,
    after: int,
    upto: int,
    limit: int = PAGE_LIMIT,
    types: Collection[str] = (),
    max_bytes: int = PAGE_MAX_BYTES,
) -> Page:
    """Read the events after a position, of some topics or of all (None), that match the type patterns, if any.

    The limits bound the events read, before the filter by type, so that a rare type costs no long walk. Of more bytes
    of data than the maximum only as many as fit are read, and always one.
    """
    wanted = None if topics is None else list(set(topics))
    events = list(Event.objects.raw(*_page_query(wanted, after, upto, limit, max_bytes)))
    is_cut = events and (len(events) == limit or len(events) < vars(events[0])["found"])
    reached = events[-1].position if is_cut else upto
    return Page([event for event in events if not types or matches(event.type, types)], reached)


_POSITIONS_OF_ALL = """
    SELECT position FROM events_event WHERE position > %s AND position <= %s ORDER BY position LIMIT %s
"""

# One index probe per topic, each stopping at the limit, and only the page's own rows are fetched. The pairs are for
# the planner: with `topic = …` it may walk the log by position instead, minutes for a quiet topic.
_POSITIONS_OF_SOME = """
    SELECT found.position FROM unnest(%s::text[]) AS wanted(name)
    CROSS JOIN LATERAL (
        SELECT position FROM events_event
        WHERE (topic, position) > (wanted.name, %s) AND (topic, position) <= (wanted.name, %s)
        ORDER BY topic, position LIMIT %s
    ) AS found
    ORDER BY found.position LIMIT %s
"""

_PAGE = """
    SELECT * FROM (
        SELECT event.*, count(*) OVER () AS found, row_number() OVER in_order AS number,
               sum(octet_length(event.data::text)) OVER in_order AS bytes
        FROM events_event AS event JOIN ({positions}) AS page USING (position)
        WINDOW in_order AS (ORDER BY position)
    ) AS sized
    WHERE bytes <= %s OR number = 1
    ORDER BY position
"""


def _page_query(topics: list[str] | None, after: int, upto: int, limit: int, max_bytes: int) -> tuple[str, list]:
    if topics is None:
        return _PAGE.format(positions=_POSITIONS_OF_ALL), [after, upto, limit, max_bytes]
    return _PAGE.format(positions=_POSITIONS_OF_SOME), [topics, after, upto, limit, limit, max_bytes]


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


# The columns of a row that is read without Django, for speed.
ROW = "position, event_id, type, topic, subject, data, time, extensions, previous"


def envelope_of_row(epoch: str, row: Sequence[Any]) -> Envelope:
    """Return these columns of the log as the live side carries the event."""
    position, event_id, type, topic, subject, data, time, extensions, previous = row
    event = cloud_event(
        source=settings.TIDEWIRE_SOURCE,
        epoch=epoch,
        position=position,
        previous=previous,
        event_id=event_id,
        type=type,
        topic=topic,
        subject=subject,
        time=time,
        data=json.loads(data),  # Django leaves JSON from plain SQL as text
        version=type_version(type),
        extensions=json.loads(extensions) if extensions else None,
    )
    return Envelope(position, topic, type, encode(event))


_AT = f"SELECT (SELECT epoch FROM events_loghead WHERE id = 1), {ROW} FROM events_event WHERE position = ANY(%s)"


def encoded_at(positions: Collection[int]) -> list[Envelope]:
    """Read the events at these positions that are there, encoded, in no order."""
    with connection.cursor() as cursor:
        cursor.execute(_AT, [list(positions)])
        return [envelope_of_row(epoch, row) for epoch, *row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class EncodedPage:
    """A page as the live side carries it, and the head read after it: rows pruned meanwhile show in its `pruned`."""

    events: list[Envelope]
    position: int
    head: Head


def encoded_page(
    topics: Collection[str] | None,
    *,
    after: int,
    upto: int,
    limit: int = PAGE_LIMIT,
    types: Collection[str] = (),
    max_bytes: int = PAGE_MAX_BYTES,
) -> EncodedPage:
    """Read a page as `page` does, encoded; the page counts only if the head read after it accepts the position."""
    found = page(topics, after=after, upto=upto, limit=limit, types=types, max_bytes=max_bytes)
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
