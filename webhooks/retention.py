"""Retention of deliveries: finished ones are forgotten by age, some thousand at a time."""

from django.db import transaction

from webhooks.models import Delivery, retention_ends

CHUNK = 2000


def prune() -> int:
    """Delete finished deliveries past retention with their attempts; return how many."""
    # One that was made for an endpoint while that was switched off would never be sent, and keep the log for ever.
    Delivery.objects.filter(status=Delivery.Status.PENDING).exclude(endpoint__disabled_reason="").cancel()
    removed = 0
    while count := _prune_chunk():
        removed += count
    return removed


@transaction.atomic
def _prune_chunk() -> int:
    # Locked, so that one that is being sent again stays.
    finished = Delivery.objects.finished_before(retention_ends()).select_for_update(skip_locked=True)
    ids = list(finished.values_list("pk", flat=True)[:CHUNK])
    Delivery.objects.filter(pk__in=ids).delete()
    return len(ids)
