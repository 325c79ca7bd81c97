"""Reactions: likes, for now."""

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from feeds import signals
from feeds.models.telling import Telling, TellingQuerySet


class ReactionQuerySet(TellingQuerySet):
    """A way to take back a reaction that is harmless when repeated; `feeds.likes` has the way to make one."""

    def take_back(self, entry, user, kind: str) -> bool:
        """Delete the reaction if it is there; only one that was is counted and told. Say whether it was.

        Raises `Entry.DoesNotExist` if the entry has ended before this got its turn.
        """
        with transaction.atomic():
            reaction = self.select_for_update(of=("self",)).filter(entry=entry, user=user, kind=kind).first()
            if reaction is None:
                return False
            reaction.entry, reaction.user = entry, user
            was_there = bool(reaction.delete()[0])
            entry.check_open()
            return was_there


class Reaction(Telling):
    """Somebody likes an entry. The rows are the truth; the entry's count follows them."""

    class Kind(models.TextChoices):
        LIKE = "like"

    entry = models.ForeignKey("feeds.Entry", on_delete=models.CASCADE, related_name="reactions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reactions")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.LIKE)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ReactionQuerySet.as_manager()

    class Meta:
        constraints = [
            # A double click, two tabs and a repeated request are one like.
            models.UniqueConstraint(fields=["entry", "user", "kind"], name="feeds_react_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} likes {self.entry_id}"

    def was_made(self) -> None:
        """Count and tell it, the new count with it."""
        self.entry.step(like_count=1)
        self.entry.check_open()
        signals.entry_liked.send(Reaction, reaction=self)

    def delete(self, *args, **kwargs) -> tuple[int, dict[str, int]]:
        """Take it back; if another request was quicker, nothing is counted twice."""
        with transaction.atomic():
            result = super().delete(*args, **kwargs)
            if result[0]:
                self.entry.step(like_count=-1)
                signals.entry_unliked.send(Reaction, reaction=self)
            return result
