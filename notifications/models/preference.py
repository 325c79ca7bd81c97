"""What somebody wants to be told, how, and when not."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from notifications.models.decision import Channel
from notifications.models.notification import Notification


class Preference(models.Model):
    """Whether one kind comes by one channel, where that is not the default."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=20, choices=Notification.Kind.choices)
    channel = models.CharField(max_length=20, choices=Channel.choices)
    is_on = models.BooleanField()

    class Meta:
        constraints = [
            # One answer to each question.
            models.UniqueConstraint(fields=["user", "kind", "channel"], name="notifications_one_preference"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} by {self.channel}: {'on' if self.is_on else 'off'}"


class Habit(models.Model):
    """When one user is left alone, and how long each channel gathers before it tells again."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    # In the user's own time zone; from after to is over midnight.
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_to = models.TimeField(null=True, blank=True)
    email_digest_minutes = models.PositiveIntegerField(default=60)
    web_push_digest_minutes = models.PositiveIntegerField(default=0)
    # Of all that this user prefers: the latest is known by it.
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(quiet_from=None, quiet_to=None)
                | models.Q(quiet_from__isnull=False, quiet_to__isnull=False),
                name="notifications_quiet_whole",
                violation_error_message="Quiet hours have a beginning and an end.",
            ),
        ]

    def __str__(self) -> str:
        return f"habits of {self.user_id}"

    def digest_minutes(self, channel: str) -> int:
        """Return how long a channel gathers."""
        return getattr(self, f"{channel}_digest_minutes")


class ThreadMute(models.Model):
    """A subject of which one user wants to hear nothing more."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    subject_type = models.CharField(max_length=20)
    subject_id = models.CharField(max_length=50)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # Twice is once; also whether a subject is muted.
            models.UniqueConstraint(fields=["user", "subject_type", "subject_id"], name="notifications_one_mute"),
        ]
        indexes = [
            # The list, newest first.
            models.Index(fields=["user", "-id"], name="notifications_mutes_page"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} mutes {self.subject_type} {self.subject_id}"
