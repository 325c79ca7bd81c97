"""Deliveries and their tries as the API gives them."""

from rest_framework import serializers

from events.encoding import timestamp
from webhooks.models import Attempt, Delivery
from webhooks.payloads import delivery_payload


class DeliverySerializer(serializers.Serializer):
    """A delivery."""

    def to_representation(self, delivery: Delivery) -> dict:
        """Return the delivery."""
        return delivery_payload(delivery)


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
