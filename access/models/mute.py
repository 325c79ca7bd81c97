"""Mutes."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from access import signals
from access.models import relation


class MuteQuerySet(models.QuerySet):
    """Questions about mutes."""

    def active(self) -> "MuteQuerySet":
        """Leave out those whose time is over."""
        return self.filter(Q(until=None) | Q(until__gt=Now()))


class Mute(relation.Relation):
    """One user does not want to hear of another, for a time or for good; the other one notices nothing."""

    muter = relation.holder("mutes")
    muted = relation.other("mutes_suffered")
    until = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    objects = MuteQuerySet.as_manager()

    class Meta:
        constraints = relation.constraints("mute", "muter", "muted")
        indexes = relation.indexes("mute", "muter")

    def __str__(self) -> str:
        return f"{self.muter} mutes {self.muted}"

    def save(self, *args, **kwargs) -> None:
        """Save the mute, and tell of it also when it has another end, which makes a version."""
        if not self._state.adding:
            self.version += 1
        super().save(*args, **kwargs)

    def tell(self, *, is_new: bool) -> None:
        """Tell whom one hears no more of, and until when."""
        signals.user_muted.send(Mute, mute=self)
