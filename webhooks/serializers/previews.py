"""Previews as the API takes and gives them."""

from rest_framework import serializers

from access.serializers import StrictSerializer
from events import log
from events.encoding import timestamp
from webhooks import filters
from webhooks.models import everything
from webhooks.previews import Preview
from webhooks.serializers.endpoints import PATTERNS_MAX, EndpointSerializer

DAYS_MAX = 7


class PreviewSerializer(StrictSerializer):
    """What an endpoint would want, and for how many days back; what is not given is the endpoint's own, or all."""

    event_types = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, min_length=1, max_length=PATTERNS_MAX
    )
    topics = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, min_length=1, max_length=PATTERNS_MAX
    )
    filter = serializers.JSONField(required=False)
    days = serializers.IntegerField(min_value=1, max_value=DAYS_MAX, default=DAYS_MAX)

    validate_event_types = EndpointSerializer.validate_event_types
    validate_topics = EndpointSerializer.validate_topics

    def validate_filter(self, content_filter) -> dict:
        """Check that it is a filter."""
        try:
            filters.check(content_filter)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None
        return content_filter

    def validate(self, attrs: dict) -> dict:
        """Fill in what is not given."""
        own = self.instance
        attrs.setdefault("event_types", own.event_types if own else everything())
        attrs.setdefault("topics", own.topics if own else everything())
        attrs.setdefault("filter", own.content_filter if own else {})
        return attrs


def as_answer(preview: Preview) -> dict:
    """Return what was found as the API gives it."""
    epoch = log.head().epoch
    return {
        "count": preview.count,
        "is_complete": preview.is_complete,
        "per_type": dict(preview.per_type.most_common()),
        "events": [log.as_cloud_event(event, epoch) for event in preview.events],
        "since": timestamp(preview.since),
        "scanned": preview.scanned,
    }
