"""A notification's state as its recipient is told it, in their language."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils import translation

from access.models import User
from events.encoding import timestamp
from notifications.changes import Change
from notifications.models import Notification
from notifications.models.inbox import unread_counts

Payload = dict[str, Any]


def names(rows: Iterable[Notification]) -> dict[int, str]:
    """Return what those who are named in the rows are called now, by one query."""
    ids = {person["id"] for row in rows for person in row.people}
    return dict(User.objects.filter(pk__in=ids).values_list("pk", "username")) if ids else {}


def notification(row: Notification, called: dict[int, str], language: str) -> Payload:
    """Return a notification."""
    with translation.override(language):
        text = row.text
    return {
        "id": row.pk,
        "kind": row.kind,
        "actors": [{"id": each["id"], "username": called.get(each["id"], each["username"])} for each in row.people],
        "actor_count": row.actor_count,
        "subject": {"type": row.subject_type, "id": row.subject_id, "url": row.subject_url},
        "text": text,
        "created_at": timestamp(row.created_at),
        "seen_at": row.seen_at and timestamp(row.seen_at),
        "read_at": row.read_at and timestamp(row.read_at),
        "archived_at": row.archived_at and timestamp(row.archived_at),
        "snoozed_until": row.snoozed_until and timestamp(row.snoozed_until),
        "version": row.version,
    }


def changes(changed: Sequence[Change]) -> list[Payload]:
    """Return each change with the unread count, which is absolute, and the inbox's version."""
    called, owners = names(each.row for each in changed), {each.row.recipient_id for each in changed}
    counts = unread_counts(owners)
    languages = dict(User.objects.filter(pk__in=owners).values_list("pk", "language"))
    return [
        {
            "notification": notification(each.row, called, languages[each.row.recipient_id]),
            "unread_count": counts[each.row.recipient_id],
            "version": each.version,
        }
        for each in changed
    ]
