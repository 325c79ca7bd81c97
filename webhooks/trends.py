"""Trends: how deliveries to an endpoint went over time, part by part of a window, from a bounded look at each part."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

# Of each part of a window at most so many deliveries are looked at, the newest.
LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Window:
    """How far back one looks, and into parts of what length it is cut."""

    label: str
    parts: int
    length: timedelta

    def edges(self, now: datetime) -> list[datetime]:
        """Return the moments between the parts, the oldest first; they stay where they are as time goes on."""
        seconds = self.length.total_seconds()
        ends = datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, tz=now.tzinfo)
        return [ends - number * self.length for number in range(self.parts, -1, -1)]


WINDOWS = {
    "1h": Window("1 hour", 12, timedelta(minutes=5)),
    "24h": Window("24 hours", 24, timedelta(hours=1)),
    "7d": Window("7 days", 28, timedelta(hours=6)),
}


@dataclass(frozen=True, slots=True)
class Part:
    """What became of the deliveries that were made in a part of a window, and how long answers to them took."""

    begins: datetime
    ends: datetime
    succeeded: int
    waiting: int
    lost: int
    median_ms: int | None
    slow_ms: int | None

    @property
    def count(self) -> int:
        """Return how many were looked at."""
        return self.succeeded + self.waiting + self.lost

    @property
    def is_sample(self) -> bool:
        """Say whether there may have been more than were looked at."""
        return self.count >= LOOKED_AT

    @property
    def share(self) -> float | None:
        """Return the share that succeeded of those that came to an end, or None when none has."""
        ended = self.succeeded + self.lost
        return self.succeeded / ended if ended else None

    @property
    def percent(self) -> str:
        """Return the share as people read it: only all of them are 100 %."""
        if self.share is None:
            return ""
        return "100" if self.share == 1 else f"{min(self.share * 100, 99.9):.1f}"


# As a range, in the order of the index: by a single value the planner may walk past what is delivered to others.
_OWN = "endpoint_id BETWEEN %(endpoint)s AND %(endpoint)s"
# Deliveries are made in the order of their ids. So the edges of the parts are found by halving, each step one look into
# the index of the endpoint's deliveries, and a part is a range of that index.
_TRENDS = f"""
    WITH RECURSIVE bounds AS (
        SELECT (SELECT id FROM webhooks_delivery WHERE {_OWN} ORDER BY endpoint_id DESC, id LIMIT 1) AS first,
               (SELECT id FROM webhooks_delivery WHERE {_OWN} ORDER BY endpoint_id, id DESC LIMIT 1) AS last
    ), halving (number, moment, low, high) AS (
        SELECT number, moment, first, last + 1
        FROM bounds, unnest(%(edges)s::timestamptz[]) WITH ORDINALITY AS edge(moment, number)
        WHERE first IS NOT NULL
        UNION ALL
        SELECT number, moment,
               CASE WHEN found.created_at < moment THEN found.id + 1 ELSE low END,
               CASE WHEN found.created_at < moment THEN high ELSE (low + high) / 2 END
        FROM halving, LATERAL (
            SELECT id, created_at FROM webhooks_delivery
            WHERE {_OWN} AND id >= (low + high) / 2
            ORDER BY endpoint_id DESC, id LIMIT 1
        ) AS found
        WHERE low < high
    ), part AS (
        SELECT number, low AS begins, lead(low) OVER (ORDER BY number) AS ends FROM halving WHERE low >= high
    ), looked_at AS (
        -- From its end backwards, and then no further than its begin: by both ends the planner would read all between.
        SELECT number, newest.id, status FROM part, LATERAL (
            SELECT id, status FROM webhooks_delivery
            WHERE {_OWN} AND id < part.ends ORDER BY endpoint_id, id DESC LIMIT %(limit)s
        ) AS newest
        WHERE newest.id >= part.begins AND part.begins < part.ends
    ), answered AS (
        SELECT number, percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY duration_ms) AS took
        FROM looked_at, LATERAL (
            SELECT duration_ms FROM webhooks_attempt
            WHERE delivery_id = looked_at.id AND status_code IS NOT NULL LIMIT 20
        ) AS attempt
        GROUP BY number
    ), counted AS (
        SELECT number, count(*) FILTER (WHERE status = 'succeeded') AS succeeded,
               count(*) FILTER (WHERE status = 'pending') AS waiting,
               count(*) FILTER (WHERE status NOT IN ('succeeded', 'pending')) AS lost
        FROM looked_at GROUP BY number
    )
    SELECT number, succeeded, waiting, lost, took[1], took[2]
    FROM counted LEFT JOIN answered USING (number)
"""
NOTHING = (0, 0, 0, None, None)


def of(endpoint_id: int, window: Window, now: datetime) -> list[Part]:
    """Return the parts of a window that ends now, the oldest first; those without deliveries too."""
    edges = window.edges(now)
    with connection.cursor() as cursor:
        cursor.execute(_TRENDS, {"endpoint": endpoint_id, "edges": edges, "limit": LOOKED_AT})
        found = {number: values for number, *values in cursor.fetchall()}
    return [Part(edges[at], edges[at + 1], *found.get(at + 1, NOTHING)) for at in range(window.parts)]
