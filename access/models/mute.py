"""Mutes."""

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from access import signals


class MuteQuerySet(models.QuerySet):
    """Questions about mutes."""

    def active(self) -> "MuteQuerySet":
        """Leave out those whose time is over."""
        return self.filter(Q(until=None) | Q(until__gt=timezone.now()))


class Mute(models.Model):
    """One user does not want to hear of another, for a time or for good; the other one notices nothing."""

    muter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mutes", db_index=False)
    muted = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mutes_suffered")
    until = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    objects = MuteQuerySet.as_manager()

    class Meta:
        constraints = [
            # Twice is once; also whether one is muted.
            models.UniqueConstraint(fields=["muter", "muted"], name="access_mute_once"),
            models.CheckConstraint(
                condition=~Q(muter=F("muted")),
                name="access_mute_another",
                violation_error_message="Nobody mutes themselves.",
            ),
        ]
        indexes = [
            # The list of whom one mutes, newest first.
            models.Index(fields=["muter", "-id"], name="access_mute_page"),
        ]

    def __str__(self) -> str:
        return f"{self.muter} mutes {self.muted}"

    def save(self, *args, **kwargs) -> None:
        """Save the mute and tell of it in the same transaction, also of another end."""
        with transaction.atomic():
            if not self._state.adding:
                self.version += 1
            super().save(*args, **kwargs)
            signals.user_muted.send(Mute, mute=self)
