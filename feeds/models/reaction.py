"""Reactions: likes, for now."""

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from feeds import signals
from feeds.models.telling import Telling, TellingQuerySet


class Reaction(Telling):
    """Somebody likes an entry. The rows are the truth; the entry's count follows them."""

    class Kind(models.TextChoices):
        LIKE = "like"

    entry = models.ForeignKey("feeds.Entry", on_delete=models.CASCADE, related_name="reactions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reactions")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.LIKE)
    created_at = models.DateTimeField(default=timezone.now)

    objects = TellingQuerySet.as_manager()

    class Meta:
        constraints = [
            # A double click, two tabs and a repeated request are one like.
            models.UniqueConstraint(fields=["entry", "user", "kind"], name="feeds_react_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} likes {self.entry_id}"

    def was_made(self) -> None:
        """Count and tell it."""
        self.entry.count(likes=1)
        signals.entry_liked.send(Reaction, reaction=self)

    def delete(self, *args, **kwargs) -> tuple[int, dict[str, int]]:
        """Take it back; if another request was quicker, nothing is counted twice."""
        with transaction.atomic():
            result = super().delete(*args, **kwargs)
            if result[0]:
                self.entry.count(likes=-1)
                signals.entry_unliked.send(Reaction, reaction=self)
            return result
