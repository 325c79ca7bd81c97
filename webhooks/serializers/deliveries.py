"""Deliveries and their tries as the API gives them."""

from rest_framework import serializers

from events.encoding import timestamp
from webhooks.models import Attempt, Delivery


class DeliverySerializer(serializers.Serializer):
    """A delivery."""

    def to_representation(self, delivery: Delivery) -> dict:
        """Return the delivery."""
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


class AttemptSerializer(serializers.Serializer):
    """A try."""

    def to_representation(self, attempt: Attempt) -> dict:
        """Return the try with what was sent and what came back."""
        return {
            "id": attempt.pk,
            "number": attempt.number,
            "started_at": timestamp(attempt.started_at),
            "duration_ms": attempt.duration_ms,
            "status_code": attempt.status_code,
            "error": attempt.error,
            "request_headers": attempt.request_headers,
            "response_headers": attempt.response_headers,
            "response_body": attempt.response_body,
        }


class DeliveryFilter(serializers.Serializer):
    """Which deliveries to list."""

    # All that have not succeeded, those still to be sent too.
    UNDELIVERED = "undelivered"

    status = serializers.ChoiceField([*Delivery.Status.choices, UNDELIVERED], required=False)
    endpoint = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    type = serializers.CharField(required=False, max_length=200)
    since = serializers.DateTimeField(required=False)
