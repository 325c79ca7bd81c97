"""How users and what they come in by are written in events; never with a secret or a part of one."""

from typing import Any

from access.models import ApiKey, Block, Grant, Mute, User
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


def person(user: User) -> Payload:
    """Write who somebody is."""
    return {"id": user.pk, "username": user.username}


def block(block: Block) -> Payload:
    """Write whom a user blocks."""
    return {"id": block.pk, "user": person(block.blocked), "created_at": timestamp(block.created_at), "version": 1}


def ended_block(block: Block) -> Payload:
    """Write which block is over."""
    return {"id": block.pk, "user": person(block.blocked), "version": 2}


def mute(mute: Mute) -> Payload:
    """Write whom a user mutes, and until when."""
    return {
        "id": mute.pk,
        "user": person(mute.muted),
        "until": mute.until and timestamp(mute.until),
        "created_at": timestamp(mute.created_at),
        "version": mute.version,
    }


def ended_mute(mute: Mute) -> Payload:
    """Write which mute is over."""
    return {"id": mute.pk, "user": person(mute.muted), "version": mute.version + 1}
