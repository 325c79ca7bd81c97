"""What has not succeeded: the newest of some endpoints' deliveries of every other status, read by their index."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection

from webhooks.models import Delivery

STATUSES = [str(status) for status in Delivery.Status if status != Delivery.Status.SUCCEEDED]

# One probe of the index for each endpoint and status, each stopping at the limit: what succeeded, nearly all, is never
# walked over.
_IDS = """
    SELECT found.id FROM unnest(%(endpoints)s::bigint[]) AS own(id)
    CROSS JOIN unnest(%(statuses)s::text[]) AS kind(status)
    CROSS JOIN LATERAL (
        SELECT id FROM webhooks_delivery
        WHERE endpoint_id = own.id AND status = kind.status AND status <> 'succeeded' AND id {past} %(edge)s
          AND (%(type)s::text IS NULL OR event_type = %(type)s)
          AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s)
        ORDER BY id {order} LIMIT %(limit)s
    ) AS found
    ORDER BY found.id {order} LIMIT %(limit)s
"""
_NEWEST_FIRST = _IDS.format(past="<", order="DESC")
_OLDEST_FIRST = _IDS.format(past=">", order="ASC")


def ids(
    endpoints: Collection[int],
    *,
    limit: int,
    edge: int | None = None,
    oldest_first: bool = False,
    type: str | None = None,
    since: datetime | None = None,
) -> list[int]:
    """Return the ids of the first so many, newest first from below an edge, or oldest first from above it."""
    edge = edge if edge is not None else 0 if oldest_first else 2**63 - 1
    asked: dict[str, Any] = {"endpoints": list(endpoints), "statuses": STATUSES, "limit": limit, "edge": edge}
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST_FIRST if oldest_first else _NEWEST_FIRST, asked | {"type": type, "since": since})
        return [pk for (pk,) in cursor.fetchall()]
