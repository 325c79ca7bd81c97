"""Retention of deliveries: finished ones are forgotten by age, some thousand at a time."""

from webhooks.models import Delivery, retention_ends

CHUNK = 2000


def prune() -> int:
    """Delete finished deliveries past retention with their attempts; return how many."""
    removed, before = 0, retention_ends()
    while ids := list(Delivery.objects.finished_before(before).values_list("pk", flat=True)[:CHUNK]):
        Delivery.objects.filter(pk__in=ids).delete()
        removed += len(ids)
    return removed
