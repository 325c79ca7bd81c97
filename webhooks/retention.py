"""Retention of deliveries: finished ones are forgotten by age, some thousand at a time, and replays with them."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from webhooks.models import Delivery, Endpoint, Replay, retention_ends

CHUNK = 2000


def prune() -> int:
    """Delete finished deliveries past retention with their attempts; return how many."""
    _cancel_unsendable()
    Replay.objects.exclude(status=Replay.Status.RUNNING).filter(created_at__lt=retention_ends()).delete()
    moment, removed = retention_ends(), 0
    # They are made in the order of their ids, so the walk ends where the young ones begin.
    for after, upto in _chunks(moment):
        removed += _prune_chunk(after, upto, moment)
    return removed


def _chunks(moment: datetime) -> Iterator[tuple[int, int]]:
    """Yield ranges of ids of old rows, the oldest first, until a whole range is young."""
    last, ages = 0, Delivery.objects.order_by("pk").values_list("pk", "created_at")
    while rows := list(ages.filter(pk__gt=last)[:CHUNK]):
        if all(created_at >= moment for _, created_at in rows):
            return
        yield last, rows[-1][0]
        last = rows[-1][0]


@transaction.atomic
def _prune_chunk(after: int, upto: int, moment: datetime) -> int:
    # Locked, so that one that is being sent again stays.
    finished = Delivery.objects.finished_before(moment).filter(pk__gt=after, pk__lte=upto)
    ids = list(finished.select_for_update(skip_locked=True).values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=ids).delete()
    return len(ids)


def _cancel_unsendable() -> None:
    """Cancel what was made for an endpoint while that was switched off: it would keep the log for ever."""
    switched_off = Endpoint.objects.exclude(disabled_reason="").values_list("pk", flat=True)
    for endpoint in switched_off.iterator():
        while Delivery.objects.filter(pk__in=_pending(endpoint)).cancel():
            pass


def _pending(endpoint: int) -> list[int]:
    rows = Delivery.objects.filter(endpoint=endpoint, status=Delivery.Status.PENDING)
    return list(rows.order_by("position").values_list("pk", flat=True)[:CHUNK])
