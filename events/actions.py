"""The one way in: what has happened is recorded in the transaction that made it happen."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from uuid6 import uuid7

from events import channel, log, subscribers, wake
from events.catalogue import EventType, InvalidPayload, is_topic
from events.models import WHOLE, Checkpoint, Event, ParkedEvent

REDACTED_TOGETHER = 500

OUTBOX_CHUNK = 500


class NotInTransaction(RuntimeError):
    """An event was recorded outside a transaction, so it could be kept while its change is lost."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What is to be recorded: one event on one topic, about one subject, with absolute state."""

    type: EventType
    topic: str
    subject: str
    data: Any
    # Attributes of CloudEvents that go along with it; almost always none.
    extensions: dict[str, str] | None = None


def record(event_type: EventType, *, topic: str, subject: str, data: dict[str, Any]) -> None:
    """Write one event into the outbox, inside the caller's transaction and after the row it tells of.

    It gets its position after the commit. Raises `NotInTransaction` outside one, and `InvalidPayload` when the data
    is too large or, where payloads are validated, does not fit the type's schema.
    """
    record_many([Fact(event_type, topic, subject, data)])


def record_many(facts: Iterable[Fact]) -> list[UUID]:
    """Write many events, in their order, in few statements, and return their ids: the way for bulk writes."""
    if not connection.in_atomic_block:
        raise NotInTransaction("Record inside transaction.atomic(), together with the change itself.")
    rows = [_outbox_row(fact) for fact in facts]
    for first in range(0, len(rows), OUTBOX_CHUNK):
        _insert(rows[first : first + OUTBOX_CHUNK])
    told()
    return [row[0] for row in rows]


# Every change of state comes through here, and many while others wait for the row that it tells of: as plain SQL it
# takes half of what the ORM takes.
_INSERT = "INSERT INTO events_outbox (event_id, type, topic, subject, data, time, extensions) VALUES "
_VALUES = "(%s, %s, %s, %s, %s::jsonb, %s, %s::jsonb)"


def _insert(rows: list[tuple]) -> None:
    # One at a time is what comes most: planned once, it takes two thirds.
    prepared = len(rows) == 1
    with connection.prepared() if prepared else connection.cursor() as cursor:  # type: ignore[attr-defined]  # our engine's
        cursor.execute(_INSERT + ", ".join([_VALUES] * len(rows)), [value for row in rows for value in row])


_TELL = """
    INSERT INTO events_outbox (event_id, type, topic, subject, data, time)
    SELECT fact.event_id, fact.type, fact.topic, fact.subject, {data}, fact.time FROM {source},
    jsonb_to_recordset(%(facts)s::jsonb)
        AS fact(event_id uuid, type text, topic text, subject text, data jsonb, time timestamptz)
"""


def telling(facts: Iterable[Fact], *, source: str, data: str) -> tuple[str, dict[str, str]]:
    """Return a statement that writes events, and its values, to be a part of the one that makes them true.

    So a row for which many wait is held for one statement and its commit. `source` names what returns the changed row,
    and `data` says in SQL what each `fact` tells of it. Whoever executes it wakes the relay after the commit.
    """
    rows = [
        {"event_id": uuid7(), "time": timezone.now(), "data": each.data}
        | {"type": each.type.name, "topic": each.topic, "subject": each.subject}
        for each in facts
    ]
    return _TELL.format(source=source, data=data), {"facts": json.dumps(rows, cls=DjangoJSONEncoder)}


def told() -> None:
    """Wake the relay after the commit of what was told by `telling`."""
    # A def or lambda: on Django 5.2 a robust partial that fails raises after the commit.
    transaction.on_commit(lambda: wake.relay(), robust=True)


def _outbox_row(fact: Fact) -> tuple:
    """Return the row's values, its id first."""
    if not is_topic(fact.topic):
        raise ValueError(f"{fact.topic!r} is not a topic: dotted ASCII under 90 characters.")
    encoded = json.dumps(fact.data, cls=DjangoJSONEncoder, separators=(",", ":"))
    if len(encoded) > settings.TIDEWIRE_EVENT_MAX_BYTES:
        raise InvalidPayload(f"{fact.type.name}: the data has {len(encoded)} bytes; that is too much for one event.")
    if settings.TIDEWIRE_VALIDATE_PAYLOADS:
        fact.type.validate(json.loads(encoded))
    extensions = None if fact.extensions is None else json.dumps(fact.extensions)
    return uuid7(), fact.type.name, fact.topic, fact.subject, encoded, timezone.now(), extensions


@transaction.atomic
def redact(subjects: Collection[str], noun: str, *, before: int, **blank: Any) -> int:
    """Blank fields of objects in the events of the log that carry them whole, up to a position; return how many.

    The events stay where they are, with all else that they say. Web processes are told, so that what they hold in
    memory says no more than the log. What is delivered later is blank too.
    """
    rows = list(_whole(noun, before).filter(subject__in=subjects).select_for_update().order_by("position"))
    _blank(rows, noun, blank)
    epoch = log.head().epoch
    transaction.on_commit(lambda: channel.retell(epoch, [log.envelope(event, epoch) for event in rows]), robust=True)
    return len(rows)


@transaction.atomic
def redact_topics(topics: Collection[str], noun: str, *, before: int, **blank: Any) -> int:
    """Do the same for all objects of one kind on topics that nobody reads any more; return how many events it were."""
    found, after = _whole(noun, before).filter(topic__in=topics).order_by("position"), 0
    count = 0
    while rows := list(found.filter(position__gt=after).select_for_update()[:REDACTED_TOGETHER]):
        _blank(rows, noun, blank)
        after, count = rows[-1].position, count + len(rows)
    return count


def _whole(noun: str, before: int) -> QuerySet[Event]:
    return Event.objects.filter(type__regex=WHOLE, data__has_key=noun, position__lt=before)


def _blank(rows: Sequence[Event], noun: str, blank: Mapping[str, Any]) -> None:
    for event in rows:
        said = event.data[noun]
        event.data[noun] = said | {name: value for name, value in blank.items() if name in said}
    Event.objects.bulk_update(rows, ["data"], batch_size=REDACTED_TOGETHER)


def retry_parked(parked: ParkedEvent) -> bool:
    """Let the subscriber take a parked event once more, now; say whether it did."""
    return subscribers.take_parked(parked)


@transaction.atomic
def start_subscriber(checkpoint: Checkpoint) -> None:
    """Let a stopped subscriber go on from where it stands."""
    Checkpoint.objects.filter(pk=checkpoint.pk).update(
        status=Checkpoint.Status.RUNNING, parked_in_row=0, failures=0, failing_position=None, retry_at=None
    )
    transaction.on_commit(lambda: wake.subscriber(checkpoint.pk), robust=True)
