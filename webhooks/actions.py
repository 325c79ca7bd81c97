"""What people do with webhooks, each atomic."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from events import log
from events.models import Event
from webhooks import history, replays, schedule, signing
from webhooks.models import Delivery, Endpoint, Replay

ONE_RUNS = "A replay to this endpoint is running; wait for its end, or cancel it."


class NotPossible(Exception):
    """What was asked for cannot be done as things stand; says why in a sentence."""


@transaction.atomic
def create_endpoint(owner, **fields: Any) -> Endpoint:
    """Make an endpoint with a new secret; it gets the events positioned after this moment."""
    endpoint = Endpoint(owner=owner, created_position=log.head().position, **fields)
    endpoint.secret = signing.new_secret()
    endpoint.full_clean(exclude=["owner"])
    endpoint.save()
    return endpoint


@transaction.atomic
def change_endpoint(endpoint: Endpoint, **fields: Any) -> Endpoint:
    """Change some fields; switching an endpoint on again clears the reason for which it was switched off."""
    if fields.get("enabled"):
        fields["disabled_reason"] = ""
    for name, value in fields.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=list(fields))
    transaction.on_commit(schedule.wake_sender, robust=True)
    return endpoint


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
        raise NotPossible(f"The endpoint is switched off: {endpoint.disabled_reason} Switch it on first.")
