"""Users."""

from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Upper

from access import signals

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

    # How times and texts are told to this user.
    time_zone = models.CharField(max_length=50, default="UTC", validators=[check_time_zone])
    language = models.CharField(max_length=10, default="en", choices=settings.LANGUAGES)

    # The application by whose key a call is made for this user; it adds what is granted to it. No column: it belongs
    # to the call.
    acting_application: "Application | None" = None

    class Meta:
        constraints = [
            # Two people whose names differ in case alone could be taken for each other; `iexact` asks in upper case.
            models.UniqueConstraint(
                Upper("username"), name="access_username_any_case", violation_error_message="This name is taken."
            ),
        ]

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
