"""Users."""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Upper
from django.utils import timezone

from access import signals
from events.encoding import timestamp

if TYPE_CHECKING:
    from access.models.application import Application

USERNAME = RegexValidator(
    r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,49}\Z",
    "A name has letters, digits, dots, dashes and underscores, begins with a letter or digit, and is at most 50 long.",
)


@cache
def time_zones() -> frozenset[str]:
    """Return the names of all time zones; reading them costs a look at hundreds of files."""
    return frozenset(available_timezones() - {"localtime"})


def check_time_zone(name: str) -> None:
    """Check that a time zone has this name."""
    if name not in time_zones():
        raise ValidationError("No time zone has this name; one is Europe/Berlin.", code="unknown")


class User(AbstractUser):
    """A person, or a program that acts for one."""

    username = models.CharField(
        max_length=50, unique=True, validators=[USERNAME], error_messages={"unique": "This name is taken."}
    )

    # A suspended user may read and not write, until a moment or until a moderator ends it.
    suspended_at = models.DateTimeField(null=True, blank=True, editable=False)
    suspended_until = models.DateTimeField(null=True, blank=True, editable=False)
    suspended_reason = models.CharField(max_length=500, blank=True, editable=False)
    # How times and texts are told to this user.
    time_zone = models.CharField(max_length=50, default="UTC", validators=[check_time_zone])
    language = models.CharField(max_length=10, default="en", choices=settings.LANGUAGES)

    # The application by whose key a call is made for this user; it adds what is granted to it. No column: it belongs
    # to the call.
    acting_application: "Application | None" = None

    class Meta:
        permissions = [("suspend_user", "Can suspend users and let them write again")]
        constraints = [
            # Two people whose names differ in case alone could be taken for each other; `iexact` asks in upper case.
            models.UniqueConstraint(
                Upper("username"), name="access_username_any_case", violation_error_message="This name is taken."
            ),
        ]

    @property
    def is_suspended(self) -> bool:
        """Say whether the user may only read now."""
        return self.suspended_at is not None and (self.suspended_until is None or self.suspended_until > timezone.now())

    def check_may_write(self) -> None:
        """Raise `PermissionDenied` with the reason while the user is suspended."""
        if self.is_suspended:
            until = f" until {timestamp(self.suspended_until)}" if self.suspended_until else ""
            raise PermissionDenied(f"You are suspended{until}: {self.suspended_reason}")

    def suspend(self, *, reason: str, until: datetime | None = None) -> None:
        """Let the user only read, and tell it; again is with the last reason and end given."""
        with transaction.atomic():
            self.suspended_at, self.suspended_until, self.suspended_reason = timezone.now(), until, reason
            super().save(update_fields=["suspended_at", "suspended_until", "suspended_reason"])
            signals.user_suspended.send(User, user=self)

    def end_suspension(self) -> None:
        """Let the user write again, and tell it; without a suspension nothing happens."""
        with transaction.atomic():
            rows = User.objects.filter(pk=self.pk, suspended_at__isnull=False)
            if rows.update(suspended_at=None, suspended_until=None, suspended_reason=""):
                self.refresh_from_db(fields=["suspended_at", "suspended_until", "suspended_reason"])
                signals.user_unsuspended.send(User, user=self)

    def clean(self) -> None:
        """Check that nothing else has this name either, where a form can still show the error."""
        super().clean()
        signals.username_wanted.send(User, user=self)

    def save(self, *args, **kwargs) -> None:
        """Save the user; who is new, comes or goes, or has a new name or password is told of with it."""
        with transaction.atomic():
            is_new = self._state.adding
            before = {} if is_new else self._locked(kwargs.get("update_fields"))
            super().save(*args, **kwargs)
            if is_new:
                signals.user_joined.send(User, user=self)
            if before.get("username", self.username) != self.username:
                signals.user_renamed.send(User, user=self, before=before["username"])
            if before.get("is_active", self.is_active) != self.is_active:
                (signals.user_reactivated if self.is_active else signals.user_deactivated).send(User, user=self)
            if before.get("password", self.password) != self.password:
                # Every session was opened with the old one.
                signals.session_ended.send(User, user_id=self.pk)

    def _locked(self, written: Collection[str] | None) -> dict[str, Any]:
        """Return what the row held in the fields whose change is told, if they are written now."""
        names = [name for name in ("username", "is_active", "password") if written is None or name in written]
        rows = User.objects.select_for_update(no_key=True).filter(pk=self.pk)
        return (names and rows.values(*names).first()) or {}
