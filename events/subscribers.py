"""Subscribers: named functions that take the log in order, each with a checkpoint, each event's effect once."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, QuerySet
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
# Between counting a try and beginning it no row is locked; for so long nobody else counts one.
BEGIN_WITHIN = timedelta(seconds=2)
# Trouble of the database, not of the event: it passes, and never parks an event.
DATABASE_TROUBLE = (OperationalError, InterfaceError)

# Takes one event; or, in batches, some in their order.
Take = Callable[[Event], Any] | Callable[[Sequence[Event]], Any]
AnyTake = TypeVar("AnyTake", bound=Take)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who takes which events, and how."""

    name: str
    types: tuple[str, ...]
    take: Callable[[Sequence[Event]], Any]
    in_batches: bool

    def wants(self, event: Event) -> bool:
        """Say whether one of its patterns matches the event's type."""
        return matches(event.type, self.types)


_subscribers: dict[str, Subscriber] = {}


def subscriber(name: str, *, types: Iterable[str], batch: bool = False) -> Callable[[AnyTake], AnyTake]:
    """Make a function a subscriber: it gets each event of these types, in order, in a transaction with its checkpoint.

    What it writes happens once. If it raises, it is tried again later, then the event is parked for a person. With
    `batch` it gets a list of events; when it raises, each of them is given to it again in a list of its own.
    """

    def register(take: AnyTake) -> AnyTake:
        if name in _subscribers:
            raise ValueError(f"{name!r} is declared twice.")
        _subscribers[name] = Subscriber(name, tuple(types), _by_list(take, batch), batch)
        return take

    return register


def _by_list(take: Any, batch: bool) -> Callable[[Sequence[Event]], Any]:
    def take_one(events: Sequence[Event]) -> None:
        (event,) = events
        take(event)

    return take if batch else take_one


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
    """Wake the subscribers that have something to take."""
    for name in _ready().filter(name__in=_subscribers).values_list("name", flat=True):
        wake.subscriber(name)


def _ready() -> QuerySet[Checkpoint]:
    """Return the checkpoints behind the head that may go on now."""
    behind = Checkpoint.objects.filter(status=Checkpoint.Status.RUNNING, position__lt=log.head().position)
    return behind.exclude(retry_at__gt=timezone.now())


def run(name: str) -> int:
    """Let a subscriber take all that is new to it; return how many events its checkpoint went on.

    If another runner holds the checkpoint this ends at once; that runner looks once more before it ends.
    """
    who, taken, careful = _subscribers[name], 0, 0
    while counted := _count_try(name):
        # A batch that failed is gone through one by one: then the failing event is the first, and the tries its own.
        careful = BATCH if counted.failures > 1 else max(0, careful - 1)
        try:
            taken += _take_batch(who, counted, limit=1 if careful else BATCH)
        except DATABASE_TROUBLE:
            _uncount_try(counted)
            raise
    return taken


# Only what is behind the head is locked: the look that finds nothing to do stands in nobody's way, so what another run
# was woken for, and left to this one, is seen by it.
_COUNT_TRY = """
    UPDATE events_checkpoint
    SET failures = CASE WHEN failing_position = position THEN failures + 1 ELSE 1 END,
        failing_position = position, retry_at = %s, updated_at = %s
    WHERE name = (
        SELECT name FROM events_checkpoint
        WHERE name = %s AND status = 'running' AND (retry_at IS NULL OR retry_at <= %s)
          AND position < (SELECT position FROM events_loghead WHERE id = 1)
        FOR UPDATE SKIP LOCKED
    )
    RETURNING *, (SELECT position FROM events_loghead WHERE id = 1) AS head
"""


def _count_try(name: str) -> Checkpoint | None:
    """Count the try in a transaction of its own, so that a process killed in it has counted; None: not now."""
    now = timezone.now()
    return next(iter(Checkpoint.objects.raw(_COUNT_TRY, [now + BEGIN_WITHIN, now, name, now])), None)


def _counted(checkpoint: Checkpoint) -> QuerySet[Checkpoint]:
    """Return the checkpoint's row if the try that was counted is still the latest."""
    latest = {"position": checkpoint.position, "failures": checkpoint.failures}
    return Checkpoint.objects.filter(pk=checkpoint.pk, status=Checkpoint.Status.RUNNING, **latest)


def _uncount_try(counted: Checkpoint) -> None:
    _counted(counted).update(failures=F("failures") - 1, retry_at=None)


def _take_batch(who: Subscriber, counted: Checkpoint, *, limit: int) -> int:
    """Take some events and move the checkpoint, together; return how many events it went on."""
    with transaction.atomic():
        # Waited for: another runner may hold the row for the moment of its own look.
        checkpoint = _counted(counted).select_for_update().first()
        if checkpoint is None:
            return 0
        page = log.page(None, after=counted.position, upto=vars(counted)["head"], limit=limit)
        _take_page(who, checkpoint, page)
        checkpoint.save()
        return checkpoint.position - counted.position


def _take_page(who: Subscriber, checkpoint: Checkpoint, page: log.Page) -> None:
    wanted = [event for event in page.events if who.wants(event)] if who.in_batches else []
    # Several only when no try at this place has failed; which of them fails, if one does, is found one by one.
    if len(wanted) > 1 and not _try(who, wanted):
        return _succeeded(checkpoint, page.position, reset=True)
    _take_one_by_one(who, checkpoint, page)


def _take_one_by_one(who: Subscriber, checkpoint: Checkpoint, page: log.Page) -> None:
    for event in page.events:
        if who.wants(event):
            if checkpoint.failures > TRIES:
                # Its tries were counted but never ended: each time the process died in it.
                return _put_aside(checkpoint, event, "The process died each time this event was taken.")
            if error := _try(who, [event]):
                return _failed(checkpoint, event, error)
        _succeeded(checkpoint, event.position, reset=who.wants(event))
    _succeeded(checkpoint, page.position, reset=False)


def _try(who: Subscriber, events: Sequence[Event]) -> str:
    try:
        with transaction.atomic():
            who.take(events)
    except DATABASE_TROUBLE:
        raise
    except Exception as error:
        logger.warning("%s could not take %s.", who.name, _named(events), exc_info=True)
        # PostgreSQL keeps no NUL and no lone surrogates; an error that could not be kept would never be parked.
        return f"{type(error).__name__}: {error}".replace("\x00", "").encode(errors="replace").decode()
    return ""


def _named(events: Sequence[Event]) -> str:
    return str(events[0]) if len(events) == 1 else f"{len(events)} events from {events[0]} on at once"


def _succeeded(checkpoint: Checkpoint, position: int, *, reset: bool) -> None:
    checkpoint.position = position
    checkpoint.failures, checkpoint.failing_position, checkpoint.retry_at = 0, None, None
    if reset:
        checkpoint.parked_in_row = 0


def _failed(checkpoint: Checkpoint, event: Event, error: str) -> None:
    # The try that was counted was that of the batch's first event; another one's begins here.
    checkpoint.failures, checkpoint.failing_position = max(1, checkpoint.failures), checkpoint.position
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
        alarm = {"name": checkpoint.name, "position": checkpoint.position}
        transaction.on_commit(lambda: subscriber_stopped.send_robust(Checkpoint, **alarm), robust=True)


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
        error = _try(who, [event]) if event and who else "The event or the subscriber is no longer there."
        row.attempts += 1
        row.error = error[:2000] or row.error
        if not error:
            row.status, row.done_at = ParkedEvent.Status.DONE, timezone.now()
        row.save()
        return not error
