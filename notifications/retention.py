"""What is forgotten: why somebody was told, after some weeks."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from notifications.models import Decision

CHUNK = 5000


def prune() -> int:
    """Forget old decisions, some at a time; return how many."""
    before, total = timezone.now() - timedelta(days=settings.TIDEWIRE_NOTIFICATIONS_DECISIONS_DAYS), 0
    while ids := list(Decision.objects.filter(at__lt=before).values_list("pk", flat=True)[:CHUNK]):
        total += Decision.objects.filter(pk__in=ids).delete()[0]
    return total
