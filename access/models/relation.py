"""What blocks and mutes have in common."""

from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone


def holder(name: str) -> models.ForeignKey:
    """Return the column of whose relation it is; the unique index begins with it."""
    return models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name=name, db_index=False)


def other(name: str) -> models.ForeignKey:
    """Return the column of the one whom it concerns."""
    return models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name=name)


def constraints(verb: str, one: str, another: str) -> list[models.BaseConstraint]:
    """Return that it is between two, and once."""
    return [
        # Twice is once; also whether it stands between two.
        models.UniqueConstraint(fields=[one, another], name=f"access_{verb}_once"),
        models.CheckConstraint(
            condition=~Q(**{one: F(another)}),
            name=f"access_{verb}_another",
            violation_error_message=f"Nobody {verb}s themselves.",
        ),
    ]


def indexes(verb: str, one: str) -> list[models.Index]:
    """Return what the list of one's own is read by, newest first."""
    return [models.Index(fields=[one, "-id"], name=f"access_{verb}_page")]


class Relation(models.Model):
    """What one user wants, or does not want, to have to do with another; told in the transaction that saves it."""

    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it and tell of it."""
        is_new = self._state.adding
        with transaction.atomic():
            super().save(*args, **kwargs)
            self.tell(is_new=is_new)

    def tell(self, *, is_new: bool) -> None:
        """Tell that it is new, or is another than before."""
        raise NotImplementedError
