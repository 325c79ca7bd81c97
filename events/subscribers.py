"""Subscribers: named functions that take the log in order, each with a checkpoint, each event's effect once."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from events import log, wake
from events.catalogue import matches
from events.models import Checkpoint, Event, ParkedEvent
from events.signals import subscriber_stopped

logger = logging.getLogger(__name__)

BATCH = 200
TRIES = 5
BACKOFF_SECONDS = (1, 2, 4, 8, 16)
STOP_AFTER_PARKED = 5
# Trouble of the database, not of the event: it passes, and never parks an event.
DATABASE_TROUBLE = (OperationalError, InterfaceError)

Take = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who takes which events, and how."""

    name: str
    types: tuple[str, ...]
    take: Take

    def wants(self, event: Event) -> bool:
        """Say whether one of its patterns matches the event's type."""
        return matches(event.type, self.types)


_subscribers: dict[str, Subscriber] = {}


def subscriber(name: str, *, types: Iterable[str]) -> Callable[[Take], Take]:
    """Make a function a subscriber: it gets each event of these types, in order, in a transaction with its checkpoint.

    What it writes happens once. If it raises, it is tried again later, then the event is parked for a person.
    """

    def register(take: Take) -> Take:
        _subscribers[name] = Subscriber(name, tuple(types), take)
        return take

    return register


def names() -> list[str]:
    """Return the names of all subscribers."""
    return list(_subscribers)


def ensure_checkpoints() -> None:
    """Give every subscriber a checkpoint; a new one starts at the head, for what was before was not meant for it."""
    head = log.head().position
    rows = [Checkpoint(name=name, position=head) for name in _subscribers]
    Checkpoint.objects.bulk_create(rows, ignore_conflicts=True)


def wake_all() -> None:
    """Wake every subscriber, each by a task of its own, so that none waits for another."""
    for name in _subscribers:
        wake.subscriber(name)


def wake_those_behind() -> None:
    """Wake the subscribers whose checkpoint is behind the head."""
    head = log.head().position
    behind = Checkpoint.objects.filter(name__in=_subscribers, position__lt=head, status=Checkpoint.Status.RUNNING)
    for name in behind.values_list("name", flat=True):
        wake.subscriber(name)


def run(name: str) -> int:
    """Let a subscriber take all that is new to it; return how many events its checkpoint went on.

    If another runner holds the checkpoint this ends at once; that runner looks once more before it ends.
    """
    who, taken = _subscribers[name], 0
    while _count_try(name):
        try:
            count = _take_batch(who)
        except DATABASE_TROUBLE:
            _uncount_try(name)
            raise
        taken += count
        if not count:
            break
    return taken


def _due(name: str):
    now = timezone.now()
    rows = Checkpoint.objects.select_for_update(skip_locked=True).filter(pk=name, status=Checkpoint.Status.RUNNING)
    return rows.exclude(retry_at__gt=now).first()


def _count_try(name: str) -> bool:
    """Count the try in a transaction of its own, so that a process killed in it has counted; False: not now."""
    with transaction.atomic():
        checkpoint = _due(name)
        if checkpoint is None or checkpoint.position >= log.head().position:
            return False
        again = checkpoint.failing_position == checkpoint.position
        checkpoint.failures = checkpoint.failures + 1 if again else 1
        checkpoint.failing_position = checkpoint.position
        checkpoint.save(update_fields=["failures", "failing_position", "updated_at"])
        return True


def _uncount_try(name: str) -> None:
    Checkpoint.objects.filter(pk=name, failures__gt=0).update(failures=F("failures") - 1)


def _take_batch(who: Subscriber) -> int:
    """Take some events and move the checkpoint, together; return how many events it went on."""
    with transaction.atomic():
        checkpoint = _due(who.name)
        if checkpoint is None:
            return 0
        before = checkpoint.position
        # After a failed try the events go one by one: then the failing one is the first, and the count is its own.
        limit = BATCH if checkpoint.failures <= 1 else 1
        page = log.page(None, after=before, upto=log.head().position, limit=limit)
        _take_page(who, checkpoint, page)
        checkpoint.save()
        return checkpoint.position - before


def _take_page(who: Subscriber, checkpoint: Checkpoint, page: log.Page) -> None:
    if checkpoint.failures > TRIES and page.events:
        # Its tries were counted but never ended: each time the process died in it.
        _put_aside(checkpoint, page.events[0], "The process died each time this event was taken.")
        return
    for event in page.events:
        if who.wants(event) and (error := _try(who, event)):
            if event.position == page.events[0].position:
                _failed(checkpoint, event, error)
            return
        _succeeded(checkpoint, event.position, reset=who.wants(event))
    _succeeded(checkpoint, page.position, reset=False)


def _try(who: Subscriber, event: Event) -> str:
    try:
        with transaction.atomic():
            who.take(event)
    except DATABASE_TROUBLE:
        raise
    except Exception as error:
        logger.warning("%s could not take %s.", who.name, event, exc_info=True)
        return f"{type(error).__name__}: {error}"
    return ""


def _succeeded(checkpoint: Checkpoint, position: int, *, reset: bool) -> None:
    checkpoint.position = position
    checkpoint.failures, checkpoint.failing_position, checkpoint.retry_at = 0, None, None
    if reset:
        checkpoint.parked_in_row = 0


def _failed(checkpoint: Checkpoint, event: Event, error: str) -> None:
    if checkpoint.failures < TRIES:
        delay = BACKOFF_SECONDS[min(checkpoint.failures, len(BACKOFF_SECONDS)) - 1]
        checkpoint.retry_at = timezone.now() + timedelta(seconds=delay)
        return
    _put_aside(checkpoint, event, error)


def _put_aside(checkpoint: Checkpoint, event: Event, error: str) -> None:
    """Park the event and go on behind it; several in a row mean that the subscriber itself is broken, so it stops."""
    park(checkpoint.name, event, error, checkpoint.failures)
    parked = checkpoint.parked_in_row + 1
    _succeeded(checkpoint, event.position, reset=False)
    checkpoint.parked_in_row = parked
    if parked >= STOP_AFTER_PARKED:
        checkpoint.status = Checkpoint.Status.STOPPED
        logger.error("Subscriber %s has stopped: %s events in a row were parked.", checkpoint.name, parked)
        subscriber_stopped.send(Checkpoint, name=checkpoint.name, position=checkpoint.position)


def park(name: str, event: Event, error: str, attempts: int) -> ParkedEvent:
    """Put an event aside for a person to look at."""
    parked, _ = ParkedEvent.objects.update_or_create(
        subscriber=name,
        position=event.position,
        defaults={"event_type": event.type, "error": error[:2000], "attempts": attempts, "status": "parked"},
    )
    return parked


def take_parked(parked: ParkedEvent) -> bool:
    """Let the subscriber take a parked event once more, now; say whether it did."""
    with transaction.atomic():
        row = ParkedEvent.objects.select_for_update().get(pk=parked.pk)
        if row.status == ParkedEvent.Status.DONE:
            return True
        event = Event.objects.filter(position=row.position).first()
        who = _subscribers.get(row.subscriber)
        error = _try(who, event) if event and who else "The event or the subscriber is no longer there."
        row.attempts += 1
        row.error = error[:2000] or row.error
        if not error:
            row.status, row.done_at = ParkedEvent.Status.DONE, timezone.now()
        row.save()
        return not error
