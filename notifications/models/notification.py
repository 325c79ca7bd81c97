"""Notifications: each a group of things that happened to one subject."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from notifications import texts

UNREAD = Q(is_listed=True, read_at=None, archived_at=None, snoozed_until=None)


class NotificationQuerySet(models.QuerySet):
    """Questions about notifications."""

    def of(self, user) -> "NotificationQuerySet":
        """Return what is in the user's inbox now."""
        return self.filter(recipient=user, is_listed=True, archived_at=None, snoozed_until=None)

    def kept(self) -> "NotificationQuerySet":
        """Leave out what is in no inbox, and what was withdrawn: nothing of it is left that could be shown again."""
        return self.filter(is_listed=True, event_count__gt=0)

    def unread(self) -> "NotificationQuerySet":
        """Return what waits to be read."""
        return self.filter(UNREAD)

    def withdrawable(self) -> "NotificationQuerySet":
        """Return what was not read yet, so that it can still be taken back."""
        return self.filter(read_at=None, archived_at=None)


class Notification(models.Model):
    """Something that one user should know: one thing that happened, or several of a kind as long as it is open."""

    class Kind(models.TextChoices):
        LIKE = "like"
        COMMENT = "comment"
        REPLY = "reply"
        MENTION = "mention"
        FOLLOW = "follow"
        FOLLOW_REQUEST = "follow_request"
        STATUS = "status"
        NOTICE = "notice"

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    # What joins the same open group: the kind and its subject, or the storm.
    group_key = models.CharField(max_length=120)
    # More of the kind joins it; reading, putting away and the end of its window close it, for good.
    is_open = models.BooleanField(default=True)
    # Not in the inbox, when its owner wants this kind by other channels only.
    is_listed = models.BooleanField(default=True)
    subject_type = models.CharField(max_length=20)
    subject_id = models.CharField(max_length=50)
    subject_url = models.CharField(max_length=200)
    # What the subject is part of, such as `feeds/4`: what is left of it goes when that goes.
    within = models.CharField(max_length=50, blank=True)
    # The topic that one must be allowed to read to be told; empty when it is the recipient's own affair.
    topic = models.CharField(max_length=90, blank=True)
    # What the text says besides who, and the names as they were told; the text is made when it is read.
    details = models.JSONField(default=dict)
    people = models.JSONField(default=list)
    actor_count = models.PositiveIntegerField(default=0)
    event_count = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            # However many write at once, they join one open group; the upsert's own index.
            models.UniqueConstraint(
                fields=["recipient", "group_key"], condition=Q(is_open=True), name="notifications_one_open_group"
            ),
        ]
        indexes = [
            # The inbox, newest first.
            models.Index(
                fields=["recipient", "-id"],
                condition=Q(is_listed=True, archived_at=None, snoozed_until=None),
                name="notifications_listed",
            ),
            # The badge: how many are unread.
            models.Index(fields=["recipient"], condition=UNREAD, name="notifications_badge"),
            # What is new lately: is this a storm?
            models.Index(fields=["recipient", "-created_at"], name="notifications_lately"),
            # What to withdraw when the subject, or what it is in, goes.
            models.Index(fields=["subject_id", "subject_type"], name="notifications_subject"),
            models.Index(fields=["within"], condition=~Q(within=""), name="notifications_within"),
            # What retention forgets.
            models.Index(fields=["changed_at"], name="notifications_changed_at"),
            # What comes back.
            models.Index(
                fields=["snoozed_until"], condition=Q(snoozed_until__isnull=False), name="notifications_snoozed"
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """Say in the active language what happened."""
        return texts.render(self.kind, self.people, self.actor_count, self.event_count, self.details)
