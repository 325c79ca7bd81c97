"""What the notifications API takes and gives."""

from rest_framework import serializers

from access.serializers import StrictSerializer
from notifications import payloads
from notifications.models import Notification


class NotificationSerializer(StrictSerializer):
    """A notification; what of it may be changed is whether it is read and whether it is put away."""

    read = serializers.BooleanField(required=False)
    archived = serializers.BooleanField(required=False)

    def validate(self, fields: dict) -> dict:
        """Check that something is to be changed."""
        if not fields:
            raise serializers.ValidationError("Name at least one field to change.")
        return fields

    def to_representation(self, notification: Notification) -> dict:
        """Return the notification."""
        return payloads.notification(notification)


class UpTo(StrictSerializer):
    """Up to which notification; without it, all."""

    up_to = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
