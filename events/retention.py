"""Retention: the log is pruned by age, never past a checkpoint, a parked event or what an app still needs."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone

from events import catalogue
from events.models import Checkpoint, Event, LogHead, ParkedEvent

logger = logging.getLogger(__name__)

CHUNK = 5000


def prune() -> int:
    """Delete what is past retention and no longer needed, in small transactions; return how many events."""
    before = timezone.now() - timedelta(days=settings.TIDEWIRE_LOG_RETENTION_DAYS)
    floor = _floor()
    removed = 0
    while count := _prune_chunk(before, floor):
        removed += count
        logger.info("Pruned %s events from the log so far.", removed)
    return removed


def _floor() -> int:
    """Return the highest position that nobody needs any more."""
    parked = ParkedEvent.objects.filter(status=ParkedEvent.Status.PARKED).aggregate(low=Min("position"))["low"]
    needed = [parked - 1] if parked is not None else []
    needed += Checkpoint.objects.values_list("position", flat=True)
    if (low := catalogue.retention_floor()) is not None:
        needed.append(low - 1)
    return min(needed, default=LogHead.objects.get(pk=1).position)


def _prune_chunk(before, floor: int) -> int:
    with transaction.atomic():
        head = LogHead.objects.get(pk=1)
        upto = min(head.pruned + CHUNK, floor)
        young = Event.objects.filter(position__gt=head.pruned, position__lte=upto, logged_at__gte=before)
        youngest = young.aggregate(low=Min("position"))["low"]
        upto = upto if youngest is None else youngest - 1
        old = Event.objects.filter(position__gt=head.pruned, position__lte=upto)
        last = old.aggregate(high=Max("position"))["high"]
        if last is None:
            return 0
        # Told first, in the same transaction: a reader that finds rows gone also finds its cursor refused.
        LogHead.objects.filter(pk=1).update(pruned=last)
        return old.delete()[0]
