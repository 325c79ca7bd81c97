"""What is forgotten: why somebody was told, after some weeks; and what they were told, after some months."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from notifications import changes
from notifications.models import Decision, Inbox, Notification

CHUNK = 5000
# A notification takes along what it was made of, and whose it is is told.
NOTIFICATIONS_CHUNK = 500


def prune_decisions() -> int:
    """Forget old decisions, some at a time; return how many."""
    before, total = _days_ago(settings.TIDEWIRE_NOTIFICATIONS_DECISIONS_DAYS), 0
    while ids := list(Decision.objects.filter(at__lt=before).values_list("pk", flat=True)[:CHUNK]):
        total += Decision.objects.filter(pk__in=ids).delete()[0]
    return total


def prune_notifications() -> int:
    """Forget notifications of which nothing was heard for long, read or not, some at a time; return how many."""
    before, total = _days_ago(settings.TIDEWIRE_NOTIFICATIONS_DAYS), 0
    while count := _prune_some(before):
        total += count
    return total


def _days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


@transaction.atomic
def _prune_some(before: datetime) -> int:
    # What its owner has put off comes back first.
    old = Notification.objects.filter(changed_at__lt=before, snoozed_until=None)
    found = dict(old.order_by("changed_at").values_list("pk", "recipient")[:NOTIFICATIONS_CHUNK])
    inboxes = Inbox.turns(found.values())
    # Asked again: only who holds the inbox knows that nothing new has joined it.
    rows = list(old.filter(pk__in=found).order_by("pk"))
    Notification.objects.filter(pk__in=[row.pk for row in rows]).delete()
    # Lists that are open somewhere lose it too; what was put away is in none.
    changes.tell(inboxes, [("withdrawn", row) for row in rows if row.archived_at is None])
    return len(rows)
