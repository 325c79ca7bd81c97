"""What `notifications` says, on the recipient's own topic: every device of theirs agrees by count and version."""

from events.catalogue import event_type
from events.payloads import BOOLEAN, COUNT, ID, TIME, VERSION, fields, many, one_of, optional, text
from notifications.models import Channel, Notification

PERSON = fields(id=ID, username=text(50))

NOTIFICATION = fields(
    id=ID,
    kind=one_of(*Notification.Kind.values),
    actors=many(PERSON),
    actor_count=COUNT,
    subject=fields(type=text(20), id=ID, url=text(200)),
    text=text(300),
    created_at=TIME,
    seen_at=optional(TIME),
    read_at=optional(TIME),
    archived_at=optional(TIME),
    snoozed_until=optional(TIME),
    version=VERSION,
)

CHANGE = fields(notification=NOTIFICATION, unread_count=COUNT, version=VERSION)

NOTIFICATION_CREATED = event_type("notifications.notification.created", "Something new is in the inbox.", CHANGE)
NOTIFICATION_UPDATED = event_type(
    "notifications.notification.updated",
    "More or fewer did it, or it was seen, put away, taken back or came back.",
    CHANGE,
)
NOTIFICATION_WITHDRAWN = event_type(
    "notifications.notification.withdrawn", "What it told of was undone, or is too old; it is gone.", CHANGE
)
NOTIFICATION_READ = event_type(
    "notifications.notification.read", "This notification, and all before it that are not unread now, was read.", CHANGE
)

_KINDS = [kind for kind in Notification.Kind.values if kind != Notification.Kind.NOTICE]
PREFERENCES = fields(
    kinds=fields(**dict.fromkeys(_KINDS, fields(**dict.fromkeys(Channel.values, BOOLEAN)))),
    quiet_hours=optional(fields(**{"from": text(5), "to": text(5)})),
    digest_minutes=fields(email=COUNT, web_push=COUNT),
    time_zone=text(50),
    language=text(10),
    version=COUNT,
)
PREFERENCES_CHANGED = event_type(
    "notifications.preferences.changed",
    "The user prefers to be told of other things, by other channels, or at other times.",
    fields(preferences=PREFERENCES),
)

_MUTE = fields(subject=fields(type=text(20), id=text(50)))
THREAD_MUTED = event_type("notifications.thread.muted", "The user hears no more of a subject.", _MUTE)
THREAD_UNMUTED = event_type("notifications.thread.unmuted", "The user hears of a subject again.", _MUTE)
