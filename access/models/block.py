"""Blocks."""

from django.conf import settings
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from access import signals


class BlockQuerySet(models.QuerySet):
    """Questions about blocks."""

    def between(self, one, other) -> "BlockQuerySet":
        """Return the blocks between two users, either way; each is an id, or a column of an outer query."""
        return self.filter(Q(blocker=one, blocked=other) | Q(blocker=other, blocked=one))

    def apart(self, user_id: int, column: str) -> Q:
        """Return a condition: no block stands between the user and the one in the column, either way."""
        # Two look-ups in the unique index; one question with OR would read more.
        made = Exists(self.filter(blocker=user_id, blocked=OuterRef(column)))
        suffered = Exists(self.filter(blocked=user_id, blocker=OuterRef(column)))
        return ~Q(made) & ~Q(suffered)


class Block(models.Model):
    """One user wants nothing to do with another; it counts either way, and only who blocks is told."""

    blocker = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="blocks", db_index=False
    )
    blocked = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="blocks_suffered")
    created_at = models.DateTimeField(default=timezone.now)

    objects = BlockQuerySet.as_manager()

    class Meta:
        constraints = [
            # Twice is once; also whether a block stands between two.
            models.UniqueConstraint(fields=["blocker", "blocked"], name="access_block_once"),
            models.CheckConstraint(
                condition=~Q(blocker=F("blocked")),
                name="access_block_another",
                violation_error_message="Nobody blocks themselves.",
            ),
        ]
        indexes = [
            # The list of whom one blocks, newest first.
            models.Index(fields=["blocker", "-id"], name="access_block_page"),
        ]

    def __str__(self) -> str:
        return f"{self.blocker} blocks {self.blocked}"

    def save(self, *args, **kwargs) -> None:
        """Save the block; a new one is told of in the same transaction."""
        is_new = self._state.adding
        with transaction.atomic():
            super().save(*args, **kwargs)
            if is_new:
                signals.user_blocked.send(Block, block=self)
