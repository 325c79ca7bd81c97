"""What moderators may hide, and show again."""

from typing import ClassVar

from django.conf import settings
from django.db import models, transaction
from django.dispatch import Signal
from django.utils import timezone

from feeds.models.telling import Telling

REASON_MAX_LENGTH = 500


class Moderated(Telling):
    """Something said that a moderator may hide with a reason; hidden it is nowhere, but not gone."""

    hidden_signal: ClassVar[Signal]
    restored_signal: ClassVar[Signal]

    hidden_at = models.DateTimeField(null=True, blank=True, editable=False)
    hidden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    hidden_reason = models.CharField(max_length=REASON_MAX_LENGTH, blank=True, editable=False)

    class Meta:
        abstract = True

    @property
    def is_there(self) -> bool:
        """Say whether it is neither deleted nor hidden."""
        return self.deleted_at is None and self.hidden_at is None

    @transaction.atomic
    def hide(self, *, by, reason: str) -> bool:
        """Hide it and tell so; say whether it was there until now."""
        self.lock()
        if not self.is_there:
            return False
        self.hidden_at, self.hidden_by, self.hidden_reason = timezone.now(), by, reason
        self._write_hidden(self.hidden_signal)
        return True

    @transaction.atomic
    def restore(self) -> bool:
        """Show it again and tell so; say whether it was hidden until now."""
        self.lock()
        if self.hidden_at is None or self.deleted_at is not None:
            return False
        self.hidden_at, self.hidden_by, self.hidden_reason = None, None, ""
        # Under an entry that is gone it is still nowhere to be read.
        self._write_hidden(self.restored_signal if self.entry_of.is_there else None)
        return True

    def _write_hidden(self, signal: Signal | None) -> None:
        self.version += 1
        self.write("hidden_at", "hidden_by", "hidden_reason", "version")
        if signal is not None:
            signal.send(type(self), **{self._meta.model_name: self})
