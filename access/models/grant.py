"""Grants."""

from collections.abc import Collection
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from access import signals
from access.models.application import Application
from access.models.user import User
from events import catalogue


def check_topic(pattern: str) -> None:
    """Raise `ValidationError` unless this names topics that may be granted: those of no declared kind."""
    name = pattern.removesuffix(".*")
    if not catalogue.is_topic(name):
        raise ValidationError("Give a topic, or a prefix ending in .*.", code="invalid")
    if catalogue.is_reserved(name):
        raise ValidationError("Who may read these topics is decided by their own rule.", code="reserved")


class GrantQuerySet(models.QuerySet):
    """Questions about grants."""

    def valid(self) -> "GrantQuerySet":
        """Return the grants that give something now."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)

    def held_by(self, user: User) -> "GrantQuerySet":
        """Return what is granted to the user and, when a key of an application acts for them, to that."""
        application = user.acting_application
        return self.filter(Q(user=user) | Q(application=application) if application else Q(user=user))

    def seen_by(self, user: User) -> "GrantQuerySet":
        """Return the grants of the user and of all their applications."""
        # As values, not as a join: so each part has its index.
        applications = list(Application.objects.filter(owner=user).values_list("pk", flat=True))
        return self.filter(Q(user=user) | Q(application__in=applications))

    def allowing(self, user, right: str, topics: Collection[str]) -> set[str]:
        """Return those of the topics on which the user has the right now, by one query."""
        if not user.is_authenticated:
            return set()
        asked = {pattern for topic in topics for pattern in catalogue.patterns_of(topic)}
        rows = self.held_by(user).valid().filter(right=right, topic__in=asked)
        held = set(rows.values_list("topic", flat=True))
        return {topic for topic in topics if catalogue.matches(topic, held)}

    def next_end(self) -> datetime | None:
        """Return when by the clock the first of those that are valid ends, or None."""
        return self.valid().aggregate(end=models.Min("expires_at"))["end"]

    def revoke(self) -> int:
        """End the grants now, tell of each in the same transaction, and return how many were not ended before."""
        with transaction.atomic():
            rows = list(self.filter(revoked_at=None).select_for_update(of=("self",), no_key=True).order_by("pk"))
            now = timezone.now()
            Grant.objects.filter(pk__in=[row.pk for row in rows]).update(revoked_at=now)
            for row in rows:
                row.revoked_at = now
                signals.grant_revoked.send(Grant, grant=row)
        return len(rows)


class Grant(models.Model):
    """A right on topics of no declared kind, given to a user or to an application; made and ended, never changed."""

    class Right(models.TextChoices):
        READ = "read"
        PUBLISH = "publish"

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="grants", db_index=False
    )
    application = models.ForeignKey(
        Application, on_delete=models.CASCADE, null=True, blank=True, related_name="grants", db_index=False
    )
    topic = models.CharField(
        max_length=91, validators=[check_topic], help_text="A topic, or a prefix ending in .* for all below it."
    )
    right = models.CharField(max_length=10, choices=Right.choices)
    granted_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = GrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None) ^ Q(application=None),
                name="access_grant_to_one",
                violation_error_message="Grant to a user or to an application, to one of both.",
            ),
        ]
        indexes = [
            # May this user, or this application, read or publish on these topics? Also their lists.
            models.Index(fields=["user", "topic"], condition=~Q(user=None), name="access_grant_of_user"),
            models.Index(
                fields=["application", "topic"], condition=~Q(application=None), name="access_grant_of_application"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.right} {self.topic}"

    @property
    def holder_id(self) -> int:
        """Return the id of the user whose rights it adds to."""
        return self.user_id if self.application is None else self.application.owner_id

    def save(self, *args, **kwargs) -> None:
        """Save the grant; a new one is told of in the same transaction."""
        is_new = self._state.adding
        with transaction.atomic():
            super().save(*args, **kwargs)
            if is_new:
                signals.grant_created.send(Grant, grant=self)
