"""From events to deliveries: one row for each endpoint that wants an event and whose owner may read it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db import connection

from events import catalogue
from events.models import Event
from webhooks import listeners
from webhooks.listeners import Listener

# So many deliveries are held in memory, and made by one statement.
SLICE = 10_000

Pair = tuple[Event, Listener]

# The endpoints are held in the order of their ids, until the end of the transaction: one that is being deleted is
# waited for and then left out, and two who hold several never wait for each other. Each is due a microsecond after the
# one before it, none later than now, so that by time they are sent in the order of the log.
_INSERT = """
    WITH there AS MATERIALIZED (
        SELECT id FROM webhooks_endpoint WHERE id = ANY(%(every)s) AND disabled_reason = '' ORDER BY id FOR KEY SHARE
    )
    INSERT INTO webhooks_delivery
        (endpoint_id, event_id, event_type, position, status, attempts, next_attempt_at, created_at)
    SELECT there.id, event.event_id, event.type, event.position, 'pending', 0,
           statement_timestamp() + make_interval(secs => (number - %(count)s) / 1e6), statement_timestamp()
    FROM unnest(%(endpoints)s::bigint[], %(positions)s::bigint[])
         WITH ORDINALITY AS wanted(endpoint_id, position, number)
    JOIN there ON there.id = wanted.endpoint_id
    JOIN events_event AS event ON event.position = wanted.position
    ORDER BY number
    ON CONFLICT (endpoint_id, event_id) DO NOTHING
"""


def fan_out(events: Iterable[Event]) -> int:
    """Make the deliveries of some events that are not there yet; return how many of them are wanted."""
    count = 0
    for pairs in _slices(events):
        wanted = readable(pairs)
        insert(wanted)
        count += len(wanted)
    return count


def _slices(events: Iterable[Event]) -> Iterator[list[Pair]]:
    known, pairs = listeners.current(), []
    for event in events if known else ():
        pairs += [(event, listener) for listener in known.to(event)]
        if len(pairs) >= SLICE:
            yield pairs
            pairs = []
    if pairs:
        yield pairs


def readable(pairs: Sequence[Pair]) -> list[Pair]:
    """Return the pairs whose owner may read the event's topic now; each owner is asked once for all topics."""
    asked: dict[int, set[str]] = {}
    for event, listener in pairs:
        asked.setdefault(listener.owner_id, set()).add(event.topic)
    allowed = allowed_topics(asked)
    return [pair for pair in pairs if pair[0].topic in allowed.get(pair[1].owner_id, ())]


def allowed_topics(asked: dict[int, set[str]]) -> dict[int, set[str]]:
    """Return for each owner those of the topics that may be read now; one who is no longer active reads nothing."""
    owners = get_user_model().objects.filter(is_active=True).in_bulk(asked)
    public = catalogue.readable(AnonymousUser(), set().union(*(asked[pk] for pk in owners))) if owners else set()
    return {pk: (asked[pk] & public) | catalogue.readable(owner, asked[pk] - public) for pk, owner in owners.items()}


def insert(pairs: Sequence[Pair]) -> int:
    """Make the deliveries of these pairs, due now, by one statement; return how many were not there yet."""
    if not pairs:
        return 0
    endpoints = [listener.endpoint_id for _, listener in pairs]
    parameters: dict[str, Any] = {
        "every": sorted(set(endpoints)),
        "endpoints": endpoints,
        "count": len(pairs),
        "positions": [event.position for event, _ in pairs],
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, parameters)
        return cursor.rowcount
