"""What a notification is made of: each thing that happened, and each person who did some of it."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from notifications.models.notification import Notification


class Happening(models.Model):
    """One thing that happened, told to one user: the row by which a repeated event is known and an undone one found."""

    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    source_event = models.UUIDField()
    kind = models.CharField(max_length=20)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="happenings")
    # What can be undone, such as `likes/9/2` or `comments/5`.
    cause = models.CharField(max_length=90, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # An event taken twice, or by two workers, counts once.
            models.UniqueConstraint(fields=["recipient", "source_event", "kind"], name="notifications_once_per_event"),
        ]
        indexes = [
            # What was undone.
            models.Index(fields=["cause", "recipient"], name="notifications_cause"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.cause}"


class Participant(models.Model):
    """Somebody who did some of what a notification tells: people are counted, not what they did."""

    notification = models.ForeignKey(
        Notification, on_delete=models.CASCADE, related_name="participants", db_index=False
    )
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    event_count = models.PositiveIntegerField(default=1)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # Somebody is one person in a group, whatever they do.
            models.UniqueConstraint(fields=["notification", "actor"], name="notifications_one_participant"),
        ]

    def __str__(self) -> str:
        return f"{self.actor_id} in {self.notification_id}"
