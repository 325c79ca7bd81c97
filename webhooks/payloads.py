"""Deliveries and tries as they are told."""

from typing import Any

from events.encoding import timestamp
from webhooks.models import Attempt, Delivery


def delivery_payload(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as the API gives it."""
    return {
        "id": delivery.pk,
        "event": {"id": str(delivery.event_id), "type": delivery.event_type},
        "endpoint": delivery.endpoint_id,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "next_attempt_at": delivery.next_attempt_at and timestamp(delivery.next_attempt_at),
        "last_status_code": delivery.last_status_code,
        "reason": delivery.reason,
        "created_at": timestamp(delivery.created_at),
    }


def attempt_summary(attempt: Attempt) -> dict[str, Any]:
    """Return a try without what was sent and what came back, which may be long."""
    return {
        "id": attempt.pk,
        "delivery": attempt.delivery_id,
        "number": attempt.number,
        "started_at": timestamp(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "status_code": attempt.status_code,
        "error": attempt.error,
    }
