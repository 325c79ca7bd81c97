"""What `access` says: the topic of a user's own devices, and what gives rights or ends them."""

from events.catalogue import alias, event_type, topic_kind
from events.payloads import BOOLEAN, ID, fields, text


def _own(user, ids):
    return [str(user.pk)] if user.is_authenticated and str(user.pk) in ids else []


USER = topic_kind("users.{id}", "What concerns one user: notifications, follows, preferences, rights.", can_read=_own)
ME = alias("me", "One's own `users.<id>`.", resolve=lambda user: [f"users.{user.pk}"] if user.pk else [])

_USER = fields(user=fields(id=ID, username=text(50), is_active=BOOLEAN))

USER_DEACTIVATED = event_type(
    "access.user.deactivated",
    "A user may come in no more; every session and key is closed.",
    _USER,
    changes_rights=True,
)
USER_REACTIVATED = event_type("access.user.reactivated", "A user may come in again.", _USER, changes_rights=True)
SESSION_ENDED = event_type(
    "access.session.ended",
    "The user signed out on one device, or changed the password, which signs out everywhere.",
    fields(user=fields(id=ID)),
    changes_rights=True,
)
KEY_REVOKED = event_type(
    "access.key.revoked",
    "An API key opens nothing any more.",
    fields(key=fields(id=ID, name=text(100))),
    changes_rights=True,
)
