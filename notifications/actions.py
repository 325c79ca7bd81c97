"""What happens to notifications, each atomic. Whoever changes an inbox holds its row, so that counts are exact."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from access.models import User
from notifications import changes, inboxes, signals, wishes
from notifications.kinds import Notice, Undone
from notifications.models import Broadcast, Channel, Inbox, Notification, PushSubscription, ThreadMute

LEFT = object()


def notify(notice: Notice, *, source_event: UUID) -> Notification | None:
    """Tell one user of one thing; return the notification it is in, or None when they are not told."""
    return next(iter(inboxes.tell([(notice, source_event)])), None)


def withdraw(undone: Undone) -> None:
    """Take back what was undone, from whoever was told of it and has not read it."""
    inboxes.withdraw(undone)


@transaction.atomic
def read_up_to(user, up_to: int | None = None) -> int:
    """Mark as read what is unread up to a notification, or all; return how many. One event tells of it."""
    inbox = Inbox.turn(user.pk)
    rows = _up_to(Notification.objects.of(user).unread(), up_to)
    last, now = rows.order_by("-id").first(), timezone.now()
    if last is None:
        return 0
    count = rows.update(read_at=now, seen_at=now, is_open=False, version=F("version") + 1)
    last.refresh_from_db()
    changes.tell({inbox.pk: inbox}, [("read", last)])
    return count


@transaction.atomic
def see_up_to(user, up_to: int | None = None) -> int:
    """Mark as seen what is unseen up to a notification, or all; return how many. One event tells of it."""
    inbox = Inbox.turn(user.pk)
    rows = _up_to(Notification.objects.of(user).filter(seen_at=None), up_to)
    last = rows.order_by("-id").first()
    if last is None:
        return 0
    count = rows.update(seen_at=timezone.now(), version=F("version") + 1)
    last.refresh_from_db()
    changes.tell({inbox.pk: inbox}, [("updated", last)])
    return count


def _up_to(rows, up_to: int | None):
    return rows if up_to is None else rows.filter(pk__lte=up_to)


@transaction.atomic
def change(
    notification: Notification,
    *,
    read: bool | None = None,
    archived: bool | None = None,
    snoozed_until: datetime | Any | None = LEFT,
) -> Notification:
    """Mark one notification as read or unread, put it away, for good or until later; what is so already is not told.

    What was read or put away is closed for good: more of the same opens another, so nothing read turns unread.
    Raises `Notification.DoesNotExist` if it was withdrawn meanwhile.
    """
    inbox = Inbox.turn(notification.recipient_id)
    row, now = Notification.objects.kept().get(pk=notification.pk), timezone.now()
    was = (row.read_at, row.archived_at, row.snoozed_until)
    if read is not None:
        row.read_at = (row.read_at or now) if read else None
    if archived is not None:
        row.archived_at = (row.archived_at or now) if archived else None
    if snoozed_until is not LEFT:
        row.snoozed_until = snoozed_until
    if (row.read_at, row.archived_at, row.snoozed_until) == was:
        return row
    row.is_open = row.is_open and row.read_at is None and row.archived_at is None
    row.seen_at, row.version = row.seen_at or now, row.version + 1
    row.save(update_fields=["read_at", "seen_at", "archived_at", "snoozed_until", "is_open", "version"])
    changes.tell({inbox.pk: inbox}, [("read" if read and was[0] is None else "updated", row)])
    return row


@transaction.atomic
def mute_thread(user: User, subject_type: str, subject_id: str) -> ThreadMute:
    """Tell the user no more of a subject; twice is once."""
    mute, is_new = ThreadMute.objects.get_or_create(user=user, subject_type=subject_type, subject_id=subject_id)
    if is_new:
        signals.thread_muted.send(ThreadMute, mute=mute)
    return mute


@transaction.atomic
def unmute_thread(user: User, subject_type: str, subject_id: str) -> None:
    """Tell the user of a subject again."""
    mutes = ThreadMute.objects.filter(user=user, subject_type=subject_type, subject_id=subject_id)
    mute = mutes.first()
    if mute is not None and mutes.delete()[0]:
        signals.thread_unmuted.send(ThreadMute, mute=mute)


def preferences_of(user: User) -> dict[str, Any]:
    """Return all that the user wishes to be told and how."""
    return wishes.of(user)


def set_preferences(user: User, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Replace all of it; what is left out becomes the default."""
    return wishes.replace(user, wanted)


def stop_email(user_id: int) -> None:
    """Send the user no more e-mail but for what is critical."""
    wishes.turn_off(user_id, Channel.EMAIL)


@transaction.atomic
def add_browser(user: User, *, endpoint: str, p256dh: str, auth: str) -> PushSubscription:
    """Let a browser show the user's messages; whoever used it before shows theirs no more."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    others = PushSubscription.objects.filter(user=user).exclude(endpoint=endpoint)
    if others.count() >= settings.TIDEWIRE_USER_MAX_BROWSERS:
        others.order_by("pk")[0].delete()
    fields = {"user": user, "p256dh": p256dh, "auth": auth, "taken_number": None}
    browser, _ = PushSubscription.objects.update_or_create(endpoint=endpoint, defaults=fields)
    return browser


@transaction.atomic
def schedule_broadcast(broadcast: Broadcast) -> bool:
    """Let a draft be sent when it is due, or now; say whether it was a draft."""
    row = Broadcast.objects.select_for_update().get(pk=broadcast.pk)
    if row.status != Broadcast.Status.DRAFT:
        return False
    row.status, row.due_at = Broadcast.Status.SCHEDULED, row.due_at or timezone.now()
    row.save(update_fields=["status", "due_at"])
    return True


@transaction.atomic
def cancel_broadcast(broadcast: Broadcast) -> bool:
    """Tell nobody more, and take it back from those who have not read it; say whether it was under way."""
    # Who sends holds the row for a piece; the next piece finds it cancelled.
    row = Broadcast.objects.select_for_update().get(pk=broadcast.pk)
    if not row.is_under_way and row.status != Broadcast.Status.SENT:
        return False
    row.status, row.finished_at = Broadcast.Status.CANCELLED, timezone.now()
    row.save(update_fields=["status", "finished_at"])
    inboxes.withdraw(Undone(f"broadcasts/{row.pk}"))
    return True
