"""How users and what they come in by are written in events; never with a secret or a part of one."""

from typing import Any

from access.models import ApiKey, Grant, User
from events.encoding import timestamp

Payload = dict[str, Any]


def user(user: User) -> Payload:
    """Write whether a user may come in."""
    return {"id": user.pk, "username": user.username, "is_active": user.is_active}


def key(key: ApiKey) -> Payload:
    """Write by what a key is known again."""
    return {"id": key.pk, "name": key.name}


def grant(grant: Grant) -> Payload:
    """Write who may do what where, and until when."""
    return {
        "id": grant.pk,
        "user": grant.user_id,
        "application": grant.application_id,
        "topic": grant.topic,
        "right": grant.right,
        "expires_at": grant.expires_at and timestamp(grant.expires_at),
        "revoked_at": grant.revoked_at and timestamp(grant.revoked_at),
    }
