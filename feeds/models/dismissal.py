"""Dismissals."""

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from feeds import signals
from feeds.models.telling import Telling, TellingQuerySet


class Dismissal(Telling):
    """Somebody does not want to see an entry in lists any more; nobody else notices."""

    entry = models.ForeignKey("feeds.Entry", on_delete=models.CASCADE, related_name="dismissals")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dismissals", db_index=False
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = TellingQuerySet.as_manager()

    class Meta:
        constraints = [
            # Twice is once; also whether the viewer of a list has dismissed an entry.
            models.UniqueConstraint(fields=["user", "entry"], name="feeds_dismiss_once"),
        ]
        indexes = [
            # What one has dismissed, newest first.
            models.Index(fields=["user", "-id"], name="feeds_dismissal_page"),
        ]

    def __str__(self) -> str:
        return f"{self.user} has dismissed {self.entry_id}"

    def was_made(self) -> None:
        """Tell it."""
        signals.entry_dismissed.send(Dismissal, dismissal=self)

    def delete(self, *args, **kwargs) -> tuple[int, dict[str, int]]:
        """Take it back; if another request was quicker, nothing is told twice."""
        with transaction.atomic():
            result = super().delete(*args, **kwargs)
            if result[0]:
                signals.entry_recalled.send(Dismissal, dismissal=self)
            return result
