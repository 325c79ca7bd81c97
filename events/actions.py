"""The one way in: what has happened is recorded in the transaction that made it happen."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.utils import timezone
from uuid6 import uuid7

from events import subscribers, wake
from events.catalogue import EventType, InvalidPayload, is_topic
from events.models import Checkpoint, Outbox, ParkedEvent

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
    Outbox.objects.bulk_create(rows, batch_size=OUTBOX_CHUNK)
    # A def or lambda: on Django 5.2 a robust partial that fails raises after the commit.
    transaction.on_commit(lambda: wake.relay(), robust=True)
    return [row.event_id for row in rows]


def _outbox_row(fact: Fact) -> Outbox:
    if not is_topic(fact.topic):
        raise ValueError(f"{fact.topic!r} is not a topic: dotted ASCII under 90 characters.")
    encoded = json.dumps(fact.data, cls=DjangoJSONEncoder, separators=(",", ":"))
    if len(encoded) > settings.TIDEWIRE_EVENT_MAX_BYTES:
        raise InvalidPayload(f"{fact.type.name}: the data has {len(encoded)} bytes; that is too much for one event.")
    data = json.loads(encoded)
    if settings.TIDEWIRE_VALIDATE_PAYLOADS:
        fact.type.validate(data)
    return Outbox(
        event_id=uuid7(),
        type=fact.type.name,
        topic=fact.topic,
        subject=fact.subject,
        data=data,
        time=timezone.now(),
        extensions=fact.extensions,
    )


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
