"""What was snoozed comes back when its time has come: the time is a column, and a sweep looks at it."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from notifications import changes
from notifications.models import Inbox, Notification

CHUNK = 200


def bring_back() -> int:
    """Bring back what is due, and tell of it; return how many there were."""
    total = 0
    while count := _bring_back_some():
        total += count
    return total


@transaction.atomic
def _bring_back_some() -> int:
    due = Notification.objects.filter(snoozed_until__lte=timezone.now()).order_by("snoozed_until")
    found = dict(due.values_list("pk", "recipient")[:CHUNK])
    inboxes = Inbox.turns(found.values())
    # Asked again: its owner may have put it off, or brought it back, meanwhile.
    rows = Notification.objects.filter(pk__in=found, snoozed_until__lte=timezone.now())
    ids = list(rows.values_list("pk", flat=True))
    Notification.objects.filter(pk__in=ids).update(snoozed_until=None, seen_at=None, version=F("version") + 1)
    changes.tell(inboxes, [("updated", row) for row in Notification.objects.filter(pk__in=ids).order_by("pk")])
    return len(found)
