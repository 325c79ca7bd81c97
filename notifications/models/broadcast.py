"""What is told to many: written by staff, or made of a status; sent a piece at a time."""

from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone


def check_url(url: str) -> None:
    """Check that this is a path of this site."""
    if not url.startswith("/") or url.startswith("//") or "\\" in url or not url.isprintable():
        raise ValidationError("Give a path of this site, such as /entries/9/.")


class Broadcast(models.Model):
    """One text, or one notice, for everybody of an audience; the row knows how far it has come."""

    class Audience(models.TextChoices):
        EVERYONE = "everyone"
        RECENT = "recent", "signed in within 30 days"
        STAFF = "staff"

    class Status(models.TextChoices):
        DRAFT = "draft"
        SCHEDULED = "scheduled"
        SENDING = "sending"
        SENT = "sent"
        CANCELLED = "cancelled"

    text = models.CharField("text", max_length=300)
    text_de = models.CharField("text in German", max_length=300, blank=True)
    url = models.CharField("link", max_length=200, default="/", validators=[check_url])
    # One of these, or an audience that an app has declared.
    audience = models.CharField(max_length=50, default=Audience.EVERYONE)
    # A status: the notice without its recipient. Empty for what staff writes.
    notice = models.JSONField(default=dict, blank=True, editable=False)
    source_event = models.UUIDField(default=uuid4, unique=True, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT, editable=False)
    due_at = models.DateTimeField("when", null=True, blank=True)
    # Everybody up to this id has been told.
    after = models.BigIntegerField(default=0, editable=False)
    told_count = models.PositiveIntegerField("told", default=0, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        permissions = [("send_broadcast", "Can send and cancel broadcasts")]
        indexes = [
            # What is to be sent, and when.
            models.Index(
                fields=["due_at"], condition=Q(status__in=["scheduled", "sending"]), name="notifications_broadcast_due"
            ),
        ]

    def __str__(self) -> str:
        return self.text[:80] or self.audience

    @property
    def is_under_way(self) -> bool:
        """Say whether it is waiting to be sent, or being sent."""
        return self.status in (self.Status.SCHEDULED, self.Status.SENDING)
