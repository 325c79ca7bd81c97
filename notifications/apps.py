"""The set-up of `notifications`."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """The inboxes."""

    name = "notifications"
