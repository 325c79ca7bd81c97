"""The log as one endpoint would have got it: what it wants, within a bounded look, and what of it was never made."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from events import log
from events.models import Checkpoint, Event
from webhooks import fanout
from webhooks.listeners import Listener
from webhooks.models import Delivery, retention_ends

# By this name fan-out takes the log.
SUBSCRIBER = "webhooks"
# One look reads so many events, or takes so long, and says that it has not seen all.
EVENTS_MAX = 20_000
SECONDS_MAX = 2.0


def wanted(listener: Listener, events: Sequence[Event]) -> list[Event]:
    """Return the events that the endpoint wants and its owner may read, as fan-out asks it now."""
    pairs = [(event, listener) for event in events if listener.wants(event)]
    return [event for event, _ in fanout.readable(pairs)] if pairs else []


def missing(listener: Listener, events: Sequence[Event]) -> list[Event]:
    """Return those of the events that it wants and for which it has no delivery."""
    found = wanted(listener, events)
    rows = Delivery.objects.filter(endpoint=listener.endpoint_id, event_id__in=[event.event_id for event in found])
    there = set(rows.values_list("event_id", flat=True)) if found else set()
    return [event for event in found if event.event_id not in there]


def page(listener: Listener, *, after: int, upto: int, limit: int = log.PAGE_LIMIT) -> log.Page:
    """Read a page of the log for an endpoint: of its topics alone where it names them, else of all."""
    return log.page(_topics(listener), after=after, upto=upto, limit=limit)


def _topics(listener: Listener) -> list[str] | None:
    """Return the topics to which the endpoint keeps, or None when only a look at each event can tell."""
    if any(pattern == "*" or pattern.endswith(".*") for pattern in listener.topics):
        return None
    return sorted(listener.topics)


def floor() -> int:
    """Return the position behind which it is still known of every event whether it was delivered."""
    return max(log.head().pruned, log.position_before(retention_ends()))


def reached() -> int:
    """Return the position up to which deliveries have been made; what comes after it is not missing yet."""
    checkpoint = Checkpoint.objects.filter(pk=SUBSCRIBER).values_list("position", flat=True).first()
    head = log.head().position
    return head if checkpoint is None else min(checkpoint, head)


@dataclass(frozen=True, slots=True)
class Missing:
    """What was found in one look, the position that was reached, and whether that was the end."""

    events: list[Event]
    position: int
    is_complete: bool


def look_for_missing(listener: Listener, *, after: int, upto: int, limit: int) -> Missing:
    """Find what an endpoint never got, the oldest first; go on from the position that was reached."""
    found: list[Event] = []
    position, scanned, ends = after, 0, time.monotonic() + SECONDS_MAX
    while position < upto and len(found) < limit:
        if position > after and (scanned >= EVENTS_MAX or time.monotonic() > ends):
            break
        read = page(listener, after=position, upto=upto)
        found += missing(listener, read.events)
        position, scanned = read.position, scanned + len(read.events)
    if len(found) > limit:
        found, position = found[:limit], found[limit - 1].position
    return Missing(found, position, position >= upto)
