"""Why somebody was told, or was not."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from notifications.models.notification import Notification


class Channel(models.TextChoices):
    """A way to tell somebody."""

    IN_APP = "in_app"
    EMAIL = "email"
    WEB_PUSH = "web_push"


class Decision(models.Model):
    """What was decided about one event, one user and one channel; kept until retention forgets it."""

    class Outcome(models.TextChoices):
        SENT = "sent"
        GROUPED = "grouped"
        HELD = "held"
        DROPPED = "dropped"

    class Reason(models.TextChoices):
        NONE = ""
        OWN_DOING = "own_doing"
        PREFERENCE = "preference"
        MUTED = "muted"
        BLOCKED = "blocked"
        UNREADABLE = "unreadable"
        REPEATED = "repeated"
        STORM = "storm"
        DELAY = "delay"
        QUIET_HOURS = "quiet_hours"
        DIGEST = "digest"
        READ = "read"
        SNOOZED = "snoozed"
        WITHDRAWN = "withdrawn"
        NO_ADDRESS = "no_address"
        CHANNEL_ERROR = "channel_error"

    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, null=True, blank=True, related_name="decisions"
    )
    source_event = models.UUIDField(null=True, blank=True)
    kind = models.CharField(max_length=20)
    channel = models.CharField(max_length=20, choices=Channel.choices)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # Why did this user (not) get something, newest first; and for this event.
            models.Index(fields=["recipient", "-id"], name="notifications_why_user"),
            models.Index(fields=["source_event"], name="notifications_why_event"),
            # What retention forgets.
            models.Index(fields=["at"], name="notifications_decided_at"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.outcome} {self.reason}".strip()
