"""What people do with what they come in by: each within its bounds, which two requests at once do not pass."""

from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from access import keys
from access.models import ApiKey, Application, Grant, User


@transaction.atomic
def create_application(owner: User, *, name: str) -> Application:
    """Make an application."""
    _lock(owner)
    _bound(owner.applications.all(), settings.TIDEWIRE_USER_MAX_APPLICATIONS)
    application = Application(owner=owner, name=name)
    application.validate_constraints()
    application.save()
    return application


@transaction.atomic
def rename_application(application: Application, *, name: str) -> Application:
    """Give an application another name."""
    _lock(application.owner)
    application.name = name
    application.validate_constraints()
    application.save(update_fields=["name"])
    return application


@transaction.atomic
def create_key(
    user: User, *, name: str = "", application: Application | None = None, expires_at: datetime | None = None
) -> tuple[str, ApiKey]:
    """Make a key and return its text, which is nowhere kept, and its row."""
    _lock(user)
    _bound(ApiKey.objects.valid().filter(user=user), settings.TIDEWIRE_USER_MAX_KEYS)
    return keys.make(user, name=name, application=application, expires_at=expires_at)


@transaction.atomic
def create_grant(*, by: User, topic: str, right: str, user=None, application=None, expires_at=None) -> Grant:
    """Give a user or an application a right on topics of no declared kind."""
    _lock(user or application.owner)
    _bound(Grant.objects.valid().filter(user=user, application=application), settings.TIDEWIRE_MAX_GRANTS)
    fields = {"user": user, "application": application, "topic": topic, "right": right, "expires_at": expires_at}
    return Grant.objects.create(granted_by=by, **fields)


def _lock(user: User) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _bound(rows: QuerySet, limit: int) -> None:
    if rows.count() >= limit:
        raise ValidationError(f"There are {limit} already; that is the limit.", code="too_many")
