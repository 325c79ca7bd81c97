"""What people do with webhooks, each atomic."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from access.models import User
from events import log
from events.actions import Fact, record_many
from events.models import Event
from webhooks import headers as own_headers
from webhooks import history, keys, replays, schedule, signing
from webhooks.event_types import ENDPOINT_TESTED
from webhooks.models import Delivery, Endpoint, Replay

ONE_RUNS = "A replay to this endpoint is running; wait for its end, or cancel it."
# What the server knows of a receiver that does not answer; another address, or a person's word, ends it.
TROUBLE_ENDED = {"failing_since": None, "failures_in_row": 0, "failing_told_at": None, "postponed_until": None}


class NotPossible(Exception):
    """What was asked for cannot be done as things stand; says why in a sentence."""


class NotEnabled(NotPossible):
    """The endpoint is switched off, so nothing is sent to it."""


@transaction.atomic
def create_endpoint(owner, *, secret: str = "", headers: dict[str, str] | None = None, **fields: Any) -> Endpoint:
    """Make an endpoint with a secret, new or given; it gets the events positioned after this moment."""
    # Held, so that two at once do not pass the limit.
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    if owner.webhook_endpoints.count() >= settings.TIDEWIRE_USER_MAX_ENDPOINTS:
        message = f"There are {settings.TIDEWIRE_USER_MAX_ENDPOINTS} endpoints already; that is the limit."
        raise ValidationError(message, code="too_many")
    endpoint = Endpoint(owner=owner, created_position=log.head().position, **fields)
    endpoint.secret = secret or signing.new_secret()
    if endpoint.signature == Endpoint.Signature.ASYMMETRIC:
        endpoint.private_key = signing.new_private_key()
    endpoint.headers = _merged(headers or {}, {})
    endpoint.full_clean(exclude=["owner"])
    endpoint.save()
    return endpoint


@transaction.atomic
def change_endpoint(endpoint: Endpoint, **fields: Any) -> Endpoint:
    """Change some fields, and return the endpoint as it is then.

    Switching it on again clears the reason for which it was switched off. With another signature the key of the old
    one signs on for a day. Raises `Endpoint.DoesNotExist` when it was deleted meanwhile.
    """
    row = _held(endpoint)
    if fields.get("enabled"):
        fields["disabled_reason"] = ""
    if fields.get("enabled") or fields.get("url", row.url) != row.url:
        fields |= TROUBLE_ENDED
    if "headers" in fields:
        row.headers = _merged(fields.pop("headers"), own_headers.stored(row))
        fields["encrypted_headers"] = row.encrypted_headers
    if (signature := fields.pop("signature", row.signature)) != row.signature:
        keys.switch(row, signature)
    for name, value in fields.items():
        setattr(row, name, value)
    row.full_clean(exclude=["owner"])
    row.save(update_fields=list(fields))
    transaction.on_commit(schedule.wake_sender, robust=True)
    return row


@transaction.atomic
def rotate_secret(endpoint: Endpoint, *, overlap_hours: float = 24, secret: str = "") -> Endpoint:
    """Give an endpoint a new key, or the given secret; what signed until now signs on for the overlap.

    With an overlap of 0 the new key alone signs from now on: for a secret that has become known.
    Raises `Endpoint.DoesNotExist` when it was deleted meanwhile.
    """
    row = _held(endpoint)
    if secret and row.signature == Endpoint.Signature.ASYMMETRIC:
        raise ValidationError({"secret": "This endpoint signs with v1a, whose keys are made here alone."})
    keys.rotate(row, timedelta(hours=overlap_hours), secret)
    return row


@transaction.atomic
def send_test(endpoint: Endpoint) -> UUID:
    """Record a test event, which is delivered to this endpoint alone, and return the event's id.

    Raises `NotEnabled`, or `Endpoint.DoesNotExist` when it was deleted meanwhile.
    """
    row = _held(endpoint)
    if not row.enabled:
        reason = f"The endpoint is switched off: {row.disabled_reason}" if row.disabled_reason else "It is paused."
        raise NotEnabled(f"{reason} Switch it on first.")
    data = {"endpoint": {"id": row.pk, "url": row.url, "description": row.description}}
    [event_id] = record_many([Fact(ENDPOINT_TESTED, f"users.{row.owner_id}", f"endpoints/{row.pk}", data)])
    return event_id


@transaction.atomic
def resend(delivery: Delivery) -> Delivery:
    """Make a delivery due now, whatever became of it before; the event keeps its id, and the tries are counted on.

    One that is being sent at this moment is left to that. Raises `NotPossible` where nothing could be sent.
    """
    _check_listens(delivery.endpoint)
    rows = Delivery.objects.filter(pk=delivery.pk)
    row = rows.select_for_update().get()
    if not Event.objects.filter(pk=row.position, event_id=row.event_id).exists():
        raise NotPossible("The event is no longer in the log; what it said is not kept anywhere else.")
    if not rows.under_way().exists():
        rows.make_due()
        transaction.on_commit(schedule.wake_sender, robust=True)
        row.refresh_from_db()
    return row


@transaction.atomic
def start_replay(endpoint: Endpoint, *, by, only: str, after: int) -> Replay:
    """Begin to send anew what an endpoint did not get, or all, from behind a position up to now.

    Raises `NotPossible` while another one runs, or when the endpoint is switched off.
    """
    _check_listens(endpoint)
    upto = history.reached()
    after = min(max(after, replays.floor(only)), upto)
    window = {"after": after, "position": after, "upto": upto}
    if Replay.objects.filter(endpoint=endpoint, status=Replay.Status.RUNNING).exists():
        raise NotPossible(ONE_RUNS)
    try:
        with transaction.atomic():
            replay = Replay.objects.create(endpoint=endpoint, requested_by=by, only=only, **window)
    except IntegrityError:
        # Two asked at once.
        raise NotPossible(ONE_RUNS) from None
    transaction.on_commit(schedule.wake_replays, robust=True)
    return replay


@transaction.atomic
def cancel_replay(replay: Replay) -> Replay:
    """End a replay where it stands; what it has made stays. Raises `NotPossible` when it has ended already."""
    row = Replay.objects.select_for_update().get(pk=replay.pk)
    if row.status != Replay.Status.RUNNING:
        raise NotPossible("This replay has ended already.")
    row.status, row.finished_at = Replay.Status.CANCELLED, timezone.now()
    row.save(update_fields=["status", "finished_at"])
    return row


def _check_listens(endpoint: Endpoint) -> None:
    """Refuse what would make deliveries for an endpoint that gets none; a paused one gets them later."""
    if endpoint.disabled_reason:
        raise NotEnabled(f"The endpoint is switched off: {endpoint.disabled_reason} Switch it on first.")


def _held(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint as it is now, held for this transaction."""
    return Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)


def _merged(given: dict[str, str], before: dict[str, str]) -> dict[str, str]:
    try:
        return own_headers.merge(given, before)
    except ValueError as error:
        raise ValidationError({"headers": str(error)}) from None
