"""Retention of deliveries: finished ones are forgotten by age, some thousand at a time, and replays with them."""

import time
from collections.abc import Iterator
from datetime import datetime

from django.db import connection

from webhooks.models import Delivery, Endpoint, Replay, retention_ends

CHUNK = 5000
# A run ends before its task would be ended; the next goes on.
RUN_SECONDS = 240

# Locked, so that one that is being sent again stays.
_PRUNE = """
    WITH old AS MATERIALIZED (
        SELECT id FROM webhooks_delivery
        WHERE id > %(after)s AND id <= %(upto)s AND status <> 'pending' AND created_at < %(moment)s
        FOR UPDATE SKIP LOCKED
    ), tries AS (
        DELETE FROM webhooks_attempt USING old WHERE delivery_id = old.id
    )
    DELETE FROM webhooks_delivery USING old WHERE webhooks_delivery.id = old.id
"""


def prune() -> int:
    """Delete finished deliveries past retention with their attempts; return how many."""
    _cancel_unsendable()
    moment, removed, ends = retention_ends(), 0, time.monotonic() + RUN_SECONDS
    Replay.objects.exclude(status=Replay.Status.RUNNING).filter(created_at__lt=moment).delete()
    # They are made in the order of their ids, so the walk ends where the young ones begin.
    for after, upto in _chunks(moment):
        removed += _prune_chunk(after, upto, moment)
        if time.monotonic() > ends:
            break
    return removed


def _chunks(moment: datetime) -> Iterator[tuple[int, int]]:
    """Yield ranges of ids of old rows, the oldest first, until a whole range is young."""
    last, ages = 0, Delivery.objects.order_by("pk").values_list("pk", "created_at")
    while rows := list(ages.filter(pk__gt=last)[:CHUNK]):
        if all(created_at >= moment for _, created_at in rows):
            return
        yield last, rows[-1][0]
        last = rows[-1][0]


def _prune_chunk(after: int, upto: int, moment: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_PRUNE, {"after": after, "upto": upto, "moment": moment})
        return cursor.rowcount


def _cancel_unsendable() -> None:
    """Cancel what was made for an endpoint while that was switched off: it would keep the log for ever."""
    switched_off = Endpoint.objects.exclude(disabled_reason="").values_list("pk", flat=True)
    for endpoint in switched_off.iterator():
        while Delivery.objects.filter(pk__in=_pending(endpoint)).cancel():
            pass


def _pending(endpoint: int) -> list[int]:
    rows = Delivery.objects.filter(endpoint=endpoint, status=Delivery.Status.PENDING)
    return list(rows.order_by("position").values_list("pk", flat=True)[:CHUNK])
