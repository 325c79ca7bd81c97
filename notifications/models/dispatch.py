"""What waits to be sent, and when: due times are columns, so that no broker and no cache need remember them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from notifications.models.decision import Channel
from notifications.models.notification import Notification


class Dispatch(models.Model):
    """One user's next message by one channel; the row is the schedule, and its lease the sender's right to it."""

    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    channel = models.CharField(max_length=20, choices=Channel.choices)
    # None: nothing waits.
    due_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    claim = models.UUIDField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    # How many messages were sent: the next one's name, the same each time it is tried.
    number = models.PositiveIntegerField(default=0)
    last_sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "dispatches"
        constraints = [
            # What is told meanwhile joins the message that waits already.
            models.UniqueConstraint(fields=["recipient", "channel"], name="notifications_one_dispatch"),
        ]
        indexes = [
            # What is due by a channel.
            models.Index(fields=["channel", "due_at"], condition=Q(due_at__isnull=False), name="notifications_due_by"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.recipient_id}"


class Pending(models.Model):
    """A notification that waits for its recipient's next message by a channel."""

    dispatch = models.ForeignKey(Dispatch, on_delete=models.CASCADE, related_name="pending", db_index=False)
    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="+")
    source_event = models.UUIDField()
    # Of the latest event: what came after a claim waits for the next message.
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "pending"
        constraints = [
            # However often it grows, it is told once by the next message.
            models.UniqueConstraint(fields=["dispatch", "notification"], name="notifications_pending_once"),
        ]

    def __str__(self) -> str:
        return f"{self.notification_id} waits"


class PushSubscription(models.Model):
    """A browser that shows web push messages of one user."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    endpoint = models.CharField(max_length=500, unique=True)
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=50)
    # The number of the last message it took: a message that is tried again goes to the others only.
    taken_number = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            # One user's browsers.
            models.Index(fields=["user", "-id"], name="notifications_browsers"),
        ]

    def __str__(self) -> str:
        return f"a browser of {self.user_id}"
