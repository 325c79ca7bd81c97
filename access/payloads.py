"""How users and what they come in by are written in events; never with a secret or a part of one."""

from typing import Any

from access.models import ApiKey, User

Payload = dict[str, Any]


def user(user: User) -> Payload:
    """Write whether a user may come in."""
    return {"id": user.pk, "username": user.username, "is_active": user.is_active}


def key(key: ApiKey) -> Payload:
    """Write by what a key is known again."""
    return {"id": key.pk, "name": key.name}
