"""Claims: which deliveries are due now, taken with a lease by one statement, and what is to be sent for each.

A claim is a lease in the delivery's row: a sender that dies loses nothing, and what it had claimed is due again when
the lease ends. All clocks here are the database's.
"""

import logging
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import models

from events import log
from webhooks import sessions
from webhooks.models import Endpoint
from webhooks.shares import ALL, PARTS

logger = logging.getLogger(__name__)

# So many times what may fly to an endpoint at once is claimed for it, that its places are never empty for a claim.
AHEAD = 4

# For each endpoint the first of its due rows, by its index: new ones, then those that failed before; or of one in order
# the very first, if that is due and nobody sends it. The pairs are for the planner: with `endpoint_id = …` it may walk
# all that is due, of every endpoint. A floor is where an endpoint's rows begin that can be due: finished ones stay in
# the index while any transaction can see them, and each look would step over all of them.
DUE = f"""
    SELECT due.id, due.retry, due.number, endpoint.xmin::text AS version
    FROM webhooks_endpoint AS endpoint
    LEFT JOIN unnest(%s::bigint[], %s::int[], %s::int[], %s::timestamptz[], %s::bigint[])
        AS lane(id, places, under_way, floor, line) ON lane.id = endpoint.id
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN endpoint.failures_in_row >= %s THEN 1 - least(1, coalesce(lane.under_way, 0))
            ELSE coalesce(lane.places, least(%s * coalesce(endpoint.max_in_flight, %s), endpoint.rate_per_second))
        END AS count
    ) AS place
    CROSS JOIN LATERAL (
        SELECT id, false AS retry, row_number() OVER () AS number FROM (
            SELECT id FROM webhooks_delivery
            WHERE (endpoint_id, next_attempt_at) >= (endpoint.id, coalesce(lane.floor, '-infinity'))
              AND (endpoint_id, next_attempt_at) <= (endpoint.id, now())
              AND status = 'pending' AND attempts = 0 AND (lease_until IS NULL OR lease_until <= now())
            ORDER BY endpoint_id, next_attempt_at LIMIT place.count
        ) AS new WHERE endpoint.ordering = 'parallel'
        UNION ALL
        SELECT id, true, row_number() OVER () FROM (
            SELECT id FROM webhooks_delivery
            WHERE (endpoint_id, next_attempt_at) >= (endpoint.id, '-infinity')
              AND (endpoint_id, next_attempt_at) <= (endpoint.id, now())
              AND status = 'pending' AND attempts > 0 AND (lease_until IS NULL OR lease_until <= now())
            ORDER BY endpoint_id, next_attempt_at LIMIT place.count
        ) AS again WHERE endpoint.ordering = 'parallel'
        UNION ALL
        SELECT id, attempts > 0, 1 FROM (
            SELECT id, attempts, next_attempt_at, lease_until FROM webhooks_delivery
            WHERE (endpoint_id, position) >= (endpoint.id, coalesce(lane.line, 0))
              AND (endpoint_id, position) < (endpoint.id + 1, 0) AND status = 'pending'
            ORDER BY endpoint_id, position LIMIT 1
        ) AS first
        WHERE endpoint.ordering = 'fifo' AND place.count > 0 AND coalesce(lane.under_way, 0) = 0
          AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until <= now())
        ORDER BY retry, number LIMIT place.count
    ) AS due
    WHERE endpoint.enabled AND place.count > 0 AND endpoint.id %% {PARTS} = ANY(%s::int[])
      AND (endpoint.postponed_until IS NULL OR endpoint.postponed_until <= now())
    ORDER BY due.retry, due.number LIMIT %s
"""
# Whoever holds a row, to delete or to change it, is not waited for; and what was taken meanwhile is seen by the lock.
# The arrays are for the planner: a join might read the whole table, which grows and grows.
CLAIM = f"""
    WITH due AS MATERIALIZED ({DUE}), held AS MATERIALIZED (
        SELECT id FROM webhooks_delivery
        WHERE id = ANY(ARRAY(SELECT id FROM due))
          AND status = 'pending' AND (lease_until IS NULL OR lease_until <= now())
        FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE webhooks_delivery
        SET lease_until = now() + make_interval(secs => %s), claim = gen_random_uuid()
        WHERE id = ANY(ARRAY(SELECT id FROM held))
        RETURNING id, claim, attempts, endpoint_id, event_id, event_type, position, next_attempt_at, created_at
    )
    SELECT claimed.*, due.version, due.retry, due.number FROM claimed JOIN due USING (id)
"""


class Row(NamedTuple):
    """What a claim says of a delivery."""

    id: int
    claim: UUID
    attempts: int
    endpoint_id: int
    event_id: UUID
    event_type: str
    position: int
    due_at: datetime
    created_at: datetime
    version: str
    is_retry: bool
    number: int


class Lane(NamedTuple):
    """What a sender asks for an endpoint that it knows: how much more, beside how much, and beginning where."""

    endpoint_id: int
    places: int
    under_way: int
    floor: datetime | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One try to make: where to, what, and by which claim."""

    row: Row
    endpoint: Endpoint
    body: bytes
    # By this process's own clock, and before the lease began.
    claimed_at: float

    @property
    def delivery_id(self) -> int:
        """Return which delivery it is."""
        return self.row.id

    @property
    def claim(self) -> UUID:
        """Return the token of the claim."""
        return self.row.claim

    @property
    def number(self) -> int:
        """Return which of the delivery's tries it is."""
        return self.row.attempts + 1

    @property
    def event_id(self) -> UUID:
        """Return the id by which the receiver knows it at each try."""
        return self.row.event_id


@dataclass(frozen=True, slots=True)
class Unsent:
    """A claimed delivery that ends without a try, and why."""

    row: Row
    status: str
    reason: str


@dataclass(slots=True)
class Taken:
    """What one claim has brought."""

    jobs: list[Job] = field(default_factory=list)
    unsent: list[Unsent] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.jobs) + len(self.unsent)


class Claims:
    """Claims what is due, and keeps what is known of endpoints as long as their rows are the same."""

    def __init__(self) -> None:
        self._endpoints: dict[int, tuple[str, Endpoint]] = {}

    def take(self, limit: int, parts: Collection[int] = ALL, lanes: Iterable[Lane] = ()) -> Taken:
        """Take up to so many due deliveries of some endpoints, in a short transaction of its own."""
        claimed_at = time.monotonic()
        rows = _claim(limit, parts, list(lanes))
        if not rows:
            return Taken()
        # Read after the claim: what retention has taken, and what was redacted meanwhile, is seen.
        bodies = _bodies({row.position for row in rows})
        endpoints = self._current({row.endpoint_id: row.version for row in rows})
        taken = Taken()
        for row in sorted(rows, key=lambda row: (row.is_retry, row.number, row.id)):
            if row.endpoint_id in endpoints:
                _sort(taken, row, endpoints[row.endpoint_id], bodies.get(row.position), claimed_at)
        return taken

    def _current(self, versions: dict[int, str]) -> dict[int, Endpoint]:
        """Return endpoints as they are, asking for those alone that have changed since they were read."""
        known = self._endpoints
        stale = [pk for pk, version in versions.items() if pk not in known or known[pk][0] != version]
        if stale:
            fresh = Endpoint.objects.filter(pk__in=stale).prefetch_related("retired_secrets").annotate(version=XMIN)
            known.update({endpoint.pk: (endpoint.version, endpoint) for endpoint in fresh})
        return {pk: known[pk][1] for pk in versions if pk in known}


XMIN = models.expressions.RawSQL("webhooks_endpoint.xmin::text", [])


def _claim(limit: int, parts: Collection[int], lanes: list[Lane]) -> list[Row]:
    columns = [list(column) for column in zip(*lanes, strict=True)] or [[] for _ in Lane._fields]
    share = settings.TIDEWIRE_WEBHOOKS_ENDPOINT_IN_FLIGHT
    lease, breaker = settings.TIDEWIRE_WEBHOOKS_LEASE_SECONDS, settings.TIDEWIRE_WEBHOOKS_BREAKER_FAILURES
    values: list[Any] = [*columns, breaker, AHEAD, share, list(parts), limit, lease]
    return [Row(*row) for row in psycopg.Cursor(sessions.current()).execute(CLAIM, values).fetchall()]


def _bodies(positions: Collection[int]) -> dict[int, bytes]:
    bodies = {event.position: event.encoded.encode() for event in log.encoded_at(positions)}
    for position, body in bodies.items():
        if len(body) > settings.TIDEWIRE_WEBHOOKS_BODY_WARN_BYTES:
            logger.warning("The event at %s makes a message of %s bytes; receivers expect less.", position, len(body))
    return bodies


def _sort(taken: Taken, row: Row, endpoint: Endpoint, body: bytes | None, claimed_at: float) -> None:
    most = settings.TIDEWIRE_WEBHOOKS_BODY_MAX_BYTES
    if body is None:
        # Retention never passes a pending delivery; but one that had ended may be sent again after that.
        taken.unsent.append(Unsent(row, "cancelled", "The event is no longer in the log."))
    elif len(body) > most:
        reason = f"The message has {len(body)} bytes; more than {most} are not sent."
        taken.unsent.append(Unsent(row, "failed", reason))
    else:
        taken.jobs.append(Job(row, endpoint, body, claimed_at))
