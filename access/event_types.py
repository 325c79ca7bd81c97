"""What `access` says: the topic of a user's own devices, and what gives rights or ends them."""

from access.models import Grant
from events.catalogue import alias, event_type, other_topics, topic_kind
from events.payloads import BOOLEAN, ID, TIME, VERSION, fields, one_of, optional, text


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

_GRANT = fields(
    grant=fields(
        id=ID,
        user=optional(ID),
        application=optional(ID),
        topic=text(91),
        right=one_of(*Grant.Right.values),
        expires_at=optional(TIME),
        revoked_at=optional(TIME),
    )
)

GRANT_CREATED = event_type(
    "access.grant.created",
    "The user, or one of their applications, got a right on topics.",
    _GRANT,
    changes_rights=True,
)
GRANT_REVOKED = event_type(
    "access.grant.revoked", "A right that was granted is taken back.", _GRANT, changes_rights=True
)

PERSON = fields(id=ID, username=text(50))
BLOCK = fields(id=ID, user=PERSON, created_at=TIME, version=VERSION)
MUTE = fields(id=ID, user=PERSON, until=optional(TIME), created_at=TIME, version=VERSION)
_ENDED = fields(id=ID, user=PERSON, version=VERSION)

# What one may read by topics is as before: follows that end with a block are told as follows that end.
USER_BLOCKED = event_type("access.user.blocked", "The user blocks somebody.", fields(block=BLOCK))
USER_UNBLOCKED = event_type("access.user.unblocked", "The user blocks somebody no more.", fields(block=_ENDED))
USER_MUTED = event_type("access.user.muted", "The user mutes somebody, or until another time.", fields(mute=MUTE))
USER_UNMUTED = event_type("access.user.unmuted", "The user mutes somebody no more.", fields(mute=_ENDED))

# Topics of no declared kind are read by those to whom that is granted.
other_topics(lambda user, topics: Grant.objects.allowing(user, Grant.Right.READ, topics), has_presence=True)
