"""Notifications as the API takes and gives them."""

from typing import Any

from rest_framework import serializers

from access.serializers import Future, StrictSerializer
from events.encoding import timestamp
from notifications import payloads
from notifications.models import Decision, Notification


class NotificationList(serializers.ListSerializer):
    """Many notifications, whose people are named by one query."""

    def to_representation(self, data) -> list[dict[str, Any]]:
        """Return the notifications."""
        rows = list(data)
        self.child.called = payloads.names(rows)
        return super().to_representation(rows)


class NotificationSerializer(StrictSerializer):
    """A notification; whether it is read, put away, or put off may be changed."""

    read = serializers.BooleanField(required=False)
    archived = serializers.BooleanField(required=False)
    snoozed_until = Future(required=False, allow_null=True)

    called: dict[int, str] | None = None

    class Meta:
        list_serializer_class = NotificationList

    def validate(self, fields: dict) -> dict:
        """Check that something is to be changed."""
        if not fields:
            raise serializers.ValidationError("Name at least one field to change.")
        return fields

    def to_representation(self, notification: Notification) -> dict[str, Any]:
        """Return the notification, in the language of who asks."""
        called = payloads.names([notification]) if self.called is None else self.called
        return payloads.notification(notification, called, self.context["request"].user.language)


class UpTo(StrictSerializer):
    """Up to which notification; without it, all."""

    up_to = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class DecisionSerializer(serializers.Serializer):
    """Why one was told of one event by one channel, or was not."""

    def to_representation(self, decision: Decision) -> dict[str, Any]:
        """Return the decision."""
        return {
            "id": decision.pk,
            "event": decision.source_event and str(decision.source_event),
            "kind": decision.kind,
            "channel": decision.channel,
            "outcome": decision.outcome,
            "reason": decision.reason,
            "detail": decision.detail,
            "at": timestamp(decision.at),
        }
