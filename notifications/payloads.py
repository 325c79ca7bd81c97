"""A notification's state as its recipient is told it."""

from typing import Any

from events.encoding import timestamp
from notifications.models import Inbox, Notification


def notification(row: Notification) -> dict[str, Any]:
    """Return a notification."""
    return {
        "id": row.pk,
        "kind": row.kind,
        "actors": [{"id": row.actor_id, "username": row.actor.username}] if row.actor else [],
        "actor_count": 1 if row.actor else 0,
        "subject": {"type": row.subject_type, "id": row.subject_id, "url": row.subject_url},
        "text": row.text,
        "created_at": timestamp(row.created_at),
        "seen_at": row.seen_at and timestamp(row.seen_at),
        "read_at": row.read_at and timestamp(row.read_at),
        "version": row.version,
    }


def change(row: Notification, inbox: Inbox) -> dict[str, Any]:
    """Return a notification together with the exact unread count and the inbox's version."""
    return {"notification": notification(row), "unread_count": inbox.unread_count, "version": inbox.version}
