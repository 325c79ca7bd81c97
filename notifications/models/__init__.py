"""Inboxes, what is in them, why, and what their owners wish."""

from notifications.models.decision import Channel, Decision
from notifications.models.happening import Happening, Participant
from notifications.models.inbox import UNREAD_COUNTED, Inbox
from notifications.models.notification import Notification
from notifications.models.preference import Habit, Preference, ThreadMute

__all__ = [
    "UNREAD_COUNTED",
    "Channel",
    "Decision",
    "Habit",
    "Happening",
    "Inbox",
    "Notification",
    "Participant",
    "Preference",
    "ThreadMute",
]
