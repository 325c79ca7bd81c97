"""What somebody wants to be told, as the API takes and gives it."""

from datetime import time
from typing import Any

from django.conf import settings
from rest_framework import serializers

from access.models.user import check_time_zone
from access.serializers import StrictSerializer
from events.encoding import timestamp
from notifications.models import Channel, Notification, ThreadMute

DAY_MINUTES = 24 * 60


class QuietHours(StrictSerializer):
    """From when to when one is left alone, by one's own clock; over midnight where the end is earlier."""

    def get_fields(self) -> dict:
        """Return the fields, one of whose names is a word of Python's."""
        return {name: serializers.TimeField(format="%H:%M", input_formats=["%H:%M"]) for name in ("from", "to")}

    def validate(self, hours: dict[str, time]) -> dict[str, time]:
        """Check that it is a part of the day."""
        if hours["from"] == hours["to"]:
            raise serializers.ValidationError("The beginning and the end are the same.")
        return hours


class OneKind(StrictSerializer):
    """By which channels one kind comes."""

    def get_fields(self) -> dict:
        """Return a field for each channel."""
        return {channel: serializers.BooleanField(required=False) for channel in Channel.values}


class Kinds(StrictSerializer):
    """By which channels each kind comes; of a notice that is not asked."""

    def get_fields(self) -> dict:
        """Return a field for each kind."""
        kinds = [kind for kind in Notification.Kind.values if kind != Notification.Kind.NOTICE]
        return {kind: OneKind(required=False) for kind in kinds}


class DigestMinutes(StrictSerializer):
    """How long each channel gathers before it tells again."""

    email = serializers.IntegerField(min_value=0, max_value=7 * DAY_MINUTES, required=False)
    web_push = serializers.IntegerField(min_value=0, max_value=7 * DAY_MINUTES, required=False)


class PreferencesSerializer(StrictSerializer):
    """All of it: what a PUT leaves out becomes the default."""

    kinds = Kinds(required=False)
    quiet_hours = QuietHours(required=False, allow_null=True)
    digest_minutes = DigestMinutes(required=False)
    time_zone = serializers.CharField(max_length=50, required=False, validators=[check_time_zone])
    language = serializers.ChoiceField(settings.LANGUAGES, required=False)
    # So that what was got can be put; it is counted here.
    version = serializers.IntegerField(required=False)


class ThreadMuteSerializer(serializers.Serializer):
    """A muted subject."""

    def to_representation(self, mute: ThreadMute) -> dict[str, Any]:
        """Return the mute."""
        subject = {"type": mute.subject_type, "id": mute.subject_id}
        return {"id": mute.pk, "subject": subject, "created_at": timestamp(mute.created_at)}
