"""Blocks."""

from django.db import models
from django.db.models import Exists, OuterRef, Q

from access import signals
from access.models import relation


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


class Block(relation.Relation):
    """One user wants nothing to do with another; it counts either way, and only who blocks is told."""

    blocker = relation.holder("blocks")
    blocked = relation.other("blocks_suffered")

    objects = BlockQuerySet.as_manager()

    class Meta:
        constraints = relation.constraints("block", "blocker", "blocked")
        indexes = relation.indexes("block", "blocker")

    def __str__(self) -> str:
        return f"{self.blocker} blocks {self.blocked}"

    def tell(self, *, is_new: bool) -> None:
        """Tell of a new one; nothing in it changes."""
        if is_new:
            signals.user_blocked.send(Block, block=self)
