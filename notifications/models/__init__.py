"""Inboxes, what is in them, why, and what their owners wish."""

from notifications.models.broadcast import Broadcast
from notifications.models.decision import Channel, Decision
from notifications.models.dispatch import Dispatch, Pending, PushSubscription
from notifications.models.happening import Happening, Participant
from notifications.models.inbox import UNREAD_COUNTED, Inbox
from notifications.models.notification import Notification
from notifications.models.preference import Habit, Preference, ThreadMute

__all__ = [
    "UNREAD_COUNTED",
    "Broadcast",
    "Channel",
    "Decision",
    "Dispatch",
    "Habit",
    "Happening",
    "Inbox",
    "Notification",
    "Participant",
    "Pending",
    "Preference",
    "PushSubscription",
    "ThreadMute",
]
