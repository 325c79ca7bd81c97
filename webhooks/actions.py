"""What people do with webhooks, each atomic."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from events import log
from webhooks import schedule, signing
from webhooks.models import Delivery, Endpoint


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
    """Make a delivery due now, whatever became of it before; the event keeps its id."""
    row = Delivery.objects.select_for_update().get(pk=delivery.pk)
    row.status, row.next_attempt_at = Delivery.Status.PENDING, timezone.now()
    row.save(update_fields=["status", "next_attempt_at"])
    transaction.on_commit(schedule.wake_sender, robust=True)
    return row
