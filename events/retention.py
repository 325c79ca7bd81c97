"""Retention: the log is pruned by age, never past a checkpoint, a parked event or what an app still needs."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Min
from django.utils import timezone

from events import catalogue
from events.models import Checkpoint, Event, LogHead, ParkedEvent

logger = logging.getLogger(__name__)

CHUNK = 5000


def prune() -> int:
    """Delete what is past retention and no longer needed, in small steps; return how many events."""
    before = timezone.now() - timedelta(days=settings.TIDEWIRE_LOG_RETENTION_DAYS)
    floor = _floor()
    removed = 0
    while count := _prune_chunk(before, floor):
        removed += count
        logger.info("Pruned %s events from the log so far.", removed)
    return removed


def _floor() -> int:
    """Return the highest position that nobody needs any more."""
    # The checkpoints first: what one leaves behind it, parked or to be delivered, was committed together with it.
    needed = list(Checkpoint.objects.values_list("position", flat=True))
    parked = ParkedEvent.objects.filter(status=ParkedEvent.Status.PARKED).aggregate(low=Min("position"))["low"]
    needed += [low - 1 for low in (parked, catalogue.retention_floor()) if low is not None]
    return min(needed, default=LogHead.objects.get(pk=1).position)


def _prune_chunk(before: datetime, floor: int) -> int:
    head = LogHead.objects.get(pk=1)
    upto = min(head.pruned + CHUNK, floor, head.position)
    chunk = Event.objects.filter(position__gt=head.pruned, position__lte=upto)
    youngest = chunk.filter(logged_at__gte=before).aggregate(low=Min("position"))["low"]
    upto = upto if youngest is None else youngest - 1
    if upto <= head.pruned:
        return 0
    # Told first and committed: a reader that finds rows gone also finds its cursor refused, and the relay never
    # waits for the deletion. What a crash leaves between the two goes with the next chunk.
    LogHead.objects.filter(pk=1, pruned__lt=upto).update(pruned=upto)
    Event.objects.filter(position__lte=upto).delete()
    return upto - head.pruned
