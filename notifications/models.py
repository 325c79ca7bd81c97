"""Notifications, and the inbox that counts them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

UNREAD_SHOWN = 100


class Inbox(models.Model):
    """One user's inbox. Its version orders what is told of it; its row makes those who change it wait their turn."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True)
    version = models.PositiveBigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "inboxes"

    def __str__(self) -> str:
        return f"inbox of {self.user_id}"

    @classmethod
    def turn(cls, user_id: int) -> "Inbox":
        """Lock the user's inbox for this transaction."""
        cls.objects.bulk_create([cls(user_id=user_id)], ignore_conflicts=True)
        return cls.objects.select_for_update().get(pk=user_id)

    def advance(self) -> None:
        """Give the inbox its next version: each thing told of it has its own."""
        self.version += 1
        self.save(update_fields=["version"])

    @property
    def unread_count(self) -> int:
        """Count the unread notifications."""
        return Notification.objects.filter(recipient_id=self.pk).unread().count()


class NotificationQuerySet(models.QuerySet):
    """Questions about notifications."""

    def of(self, user) -> "NotificationQuerySet":
        """Return what is in the user's inbox, with who did it."""
        return self.filter(recipient=user, archived_at=None).select_related("actor")

    def unread(self) -> "NotificationQuerySet":
        """Return what waits to be read."""
        return self.filter(read_at=None, archived_at=None)


class Notification(models.Model):
    """Something that one user should know."""

    class Kind(models.TextChoices):
        LIKE = "like"
        COMMENT = "comment"
        REPLY = "reply"
        MENTION = "mention"
        FOLLOW = "follow"
        FOLLOW_REQUEST = "follow_request"
        STATUS = "status"
        NOTICE = "notice"

    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    source_event = models.UUIDField()
    # Nobody, where the server itself tells something.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", null=True, blank=True
    )
    subject_type = models.CharField(max_length=20)
    subject_id = models.CharField(max_length=50)
    subject_url = models.CharField(max_length=200)
    text = models.CharField(max_length=300)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            # An event taken twice, or by two workers, makes one notification.
            models.UniqueConstraint(fields=["recipient", "source_event", "kind"], name="notifications_once_per_event"),
        ]
        indexes = [
            # The inbox, newest first.
            models.Index(fields=["recipient", "-id"], condition=Q(archived_at=None), name="notifications_page"),
            # The badge: how many are unread.
            models.Index(
                fields=["recipient"], condition=Q(read_at=None, archived_at=None), name="notifications_unread"
            ),
            # A like taken back: which notification told of it.
            models.Index(fields=["recipient", "actor", "subject_id", "kind"], name="notifications_withdraw"),
        ]

    def __str__(self) -> str:
        return self.text
