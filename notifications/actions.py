"""What happens to notifications, each atomic. Whoever changes an inbox holds its row, so that counts are exact."""

from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.dispatch import Signal
from django.utils import timezone

from notifications import signals
from notifications.kinds import Notice
from notifications.models import Inbox, Notification


def _tell(signal: Signal, notification: Notification, inbox: Inbox) -> None:
    inbox.advance()
    signal.send(Notification, notification=notification, inbox=inbox)


@transaction.atomic
def notify(notice: Notice, *, source_event: UUID) -> Notification | None:
    """Put a notification into the recipient's inbox; the same event does so once, and nobody is told of themselves."""
    if notice.is_own_doing:
        return None
    inbox = Inbox.turn(notice.recipient)
    notification, is_new = Notification.objects.get_or_create(
        recipient_id=notice.recipient,
        source_event=source_event,
        kind=notice.kind,
        defaults={
            "actor_id": notice.actor,
            "subject_type": notice.subject_type,
            "subject_id": notice.subject_id,
            "subject_url": notice.subject_url,
            "text": notice.text,
        },
    )
    if is_new:
        _tell(signals.notification_created, notification, inbox)
    return notification


@transaction.atomic
def withdraw(notice: Notice) -> None:
    """Take back the unread notifications of what was undone."""
    rows = Notification.objects.unread().filter(
        recipient_id=notice.recipient, actor_id=notice.actor, kind=notice.kind, subject_id=notice.subject_id
    )
    if not rows.exists():
        return
    inbox = Inbox.turn(notice.recipient)
    for notification in rows.select_related("actor"):
        notification.archived_at, notification.version = timezone.now(), notification.version + 1
        notification.save(update_fields=["archived_at", "version"])
        _tell(signals.notification_withdrawn, notification, inbox)


@transaction.atomic
def read_up_to(user, up_to: int | None = None) -> int:
    """Mark as read what is unread up to a notification, or all; return how many. One event tells of it."""
    inbox = Inbox.turn(user.pk)
    rows = _up_to(Notification.objects.of(user).unread(), up_to)
    last, now = rows.order_by("-id").first(), timezone.now()
    if last is None:
        return 0
    count = rows.update(read_at=now, seen_at=now, version=F("version") + 1)
    last.refresh_from_db()
    _tell(signals.notification_read, last, inbox)
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
    _tell(signals.notification_updated, last, inbox)
    return count


def _up_to(rows, up_to: int | None):
    return rows if up_to is None else rows.filter(pk__lte=up_to)


@transaction.atomic
def change(notification: Notification, *, read: bool | None = None, archived: bool | None = None) -> Notification:
    """Mark one notification as read or unread, put it away or take it back; what is so already is not told."""
    inbox = Inbox.turn(notification.recipient_id)
    row = Notification.objects.select_for_update(of=("self",)).select_related("actor").get(pk=notification.pk)
    was, now = (row.read_at, row.archived_at), timezone.now()
    if read is not None:
        row.read_at = (row.read_at or now) if read else None
    if archived is not None:
        row.archived_at = (row.archived_at or now) if archived else None
    if (row.read_at, row.archived_at) == was:
        return row
    row.seen_at, row.version = row.seen_at or now, row.version + 1
    row.save(update_fields=["read_at", "seen_at", "archived_at", "version"])
    _tell(signals.notification_read if read and was[0] is None else signals.notification_updated, row, inbox)
    return row
