"""What users do: with what they come in by, each within bounds that two requests at once do not pass; and publish."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import JsonResponse

from access import idempotency, keys, limits, publications
from access.models import ApiKey, Application, Block, Grant, Mute, User
from access.publications import Publication, Refused
from events.actions import record_many

# One key means one request over every transport: who heard nothing on a socket may ask again over HTTP.
PUBLISHING = {"method": "POST", "path": "/api/v1/events/"}


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


@transaction.atomic
def block(user: User, other: User) -> Block:
    """Block a user; twice is once. What the two have with each other ends with it."""
    _lock(user)
    _another(user, other, "block")
    if (found := Block.objects.filter(blocker=user, blocked=other).first()) is not None:
        return found
    _bound(user.blocks.all(), settings.TIDEWIRE_USER_MAX_BLOCKS)
    return Block.objects.create(blocker=user, blocked=other)


@transaction.atomic
def unblock(user: User, other_id: int) -> None:
    """Block a user no more; without a block nothing happens. What it ended stays ended."""
    _lock(user)
    user.blocks.filter(blocked=other_id).select_related("blocked").delete()


@transaction.atomic
def mute(user: User, other: User, *, until: datetime | None = None) -> Mute:
    """Mute a user for good or until a time; twice is once, with the last time given."""
    _lock(user)
    _another(user, other, "mute")
    if (found := Mute.objects.filter(muter=user, muted=other).first()) is None:
        _bound(user.mutes.all(), settings.TIDEWIRE_USER_MAX_BLOCKS)
        return Mute.objects.create(muter=user, muted=other, until=until)
    if found.until != until:
        found.until = until
        found.save()
    return found


@transaction.atomic
def unmute(user: User, other_id: int) -> None:
    """Mute a user no more; without a mute nothing happens."""
    _lock(user)
    user.mutes.filter(muted=other_id).select_related("muted").delete()


def _another(user: User, other: User, verb: str) -> None:
    if user.pk == other.pk:
        raise ValidationError(f"You cannot {verb} yourself.")


def _lock(user: User) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _bound(rows: QuerySet, limit: int) -> None:
    if rows.count() >= limit:
        raise ValidationError(f"There are {limit} already; that is the limit.", code="too_many")


def publish(who: Any, events: Sequence[Any]) -> list[dict[str, Any] | Refused]:
    """Record the events that are good, in one transaction; return for each what was published, or why it was not.

    `who` is a user, or a principal of the live side. Raises `Refused` when none can be taken at all.
    """
    user = getattr(who, "user", who)
    _check_publisher(user, len(events))
    outcomes = _permitted(user, [_read(event) for event in events])
    good = [each for each in outcomes if isinstance(each, Publication)]
    with transaction.atomic():
        ids = iter(record_many(each.fact for each in good))
    return [each if isinstance(each, Refused) else each.published(str(next(ids))) for each in outcomes]


def publish_one(who: Any, event: Any, idempotency_key: str | None = None) -> dict[str, Any]:
    """Publish one event and return what was published, after the commit; with a key that was used, the first answer.

    Raises `Refused`.
    """
    user = getattr(who, "user", who)
    if idempotency_key is None:
        return _published(user, event)
    if not user.is_authenticated:
        raise Refused("unauthenticated", "Sign in to publish.")
    if not isinstance(idempotency_key, str) or not idempotency.is_key(idempotency_key):
        raise Refused("invalid", idempotency.KEY_FORM, field="idempotency_key")
    return _published_once(user, event, idempotency_key)


def _published_once(user: User, event: Any, key: str) -> dict[str, Any]:
    request = idempotency.Request(f"user:{user.pk}", **PUBLISHING, key=key, body=_body(event))
    try:
        answer = idempotency.answer_once(request, lambda: JsonResponse(_published(user, event), status=202))
    except idempotency.StillRunning:
        raise Refused("conflict", "The first request with this key is still at work; ask again later.") from None
    except idempotency.OtherRequest:
        raise Refused("conflict", "This key was used for another event.") from None
    return json.loads(answer.content)


def _published(user: User, event: Any) -> dict[str, Any]:
    [outcome] = publish(user, [event])
    if isinstance(outcome, Refused):
        raise outcome
    return outcome


def _body(event: Any) -> bytes:
    # As a client would write it in a request, so that the same event is the same body there.
    try:
        return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        raise Refused("invalid", "The event could not be written as JSON.") from None


def _check_publisher(user: User, count: int) -> None:
    if not user.is_authenticated:
        raise Refused("unauthenticated", "Sign in to publish.")
    if not count:
        raise Refused("invalid", "Give at least one event.")
    if count > settings.TIDEWIRE_PUBLISH_MAX_EVENTS:
        raise Refused("too_many", f"At most {settings.TIDEWIRE_PUBLISH_MAX_EVENTS} events at once.")
    if (wait := limits.take(user.pk, count)) is not None:
        raise Refused("rate_limited", "You have published too much within a minute.", wait=wait)


def _read(event: Any) -> Publication | Refused:
    try:
        return publications.read(event)
    except Refused as refused:
        return refused


def _permitted(user: User, outcomes: list[Publication | Refused]) -> list[Publication | Refused]:
    topics = {each.topic for each in outcomes if isinstance(each, Publication)}
    allowed = Grant.objects.allowing(user, Grant.Right.PUBLISH, topics) if topics else set()
    return [_unless_forbidden(each, allowed) for each in outcomes]


def _unless_forbidden(outcome: Publication | Refused, allowed: set[str]) -> Publication | Refused:
    if isinstance(outcome, Refused) or outcome.topic in allowed:
        return outcome
    return Refused("forbidden", f"You may not publish on {outcome.topic}.", field="topic")
