"""Endpoints as the API takes and gives them."""

from django.conf import settings
from rest_framework import serializers

from access.serializers import StrictSerializer
from events import catalogue
from events.encoding import timestamp
from webhooks.addresses import RefusedURL, check_url
from webhooks.models import Endpoint

PATTERNS_MAX = 100


class EndpointSerializer(StrictSerializer):
    """An endpoint; its secret is shown by the views that may."""

    url = serializers.CharField(max_length=2000)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    event_types = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, min_length=1, max_length=PATTERNS_MAX
    )
    topics = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, min_length=1, max_length=PATTERNS_MAX
    )
    enabled = serializers.BooleanField(required=False)

    def validate_url(self, url: str) -> str:
        """Refuse what will never be sent to, with the reason."""
        try:
            check_url(
                url,
                allow_http=settings.TIDEWIRE_WEBHOOKS_ALLOW_HTTP,
                allow_private=settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE,
            )
        except RefusedURL as error:
            raise serializers.ValidationError(str(error), code="refused") from None
        return url

    def validate_event_types(self, patterns: list[str]) -> list[str]:
        """Check that each is a type pattern."""
        for pattern in patterns:
            if not catalogue.is_pattern(pattern):
                raise serializers.ValidationError(f"{pattern!r} is not a type, a prefix ending in .*, or *.")
        return patterns

    def validate_topics(self, patterns: list[str]) -> list[str]:
        """Check that each is a topic or a pattern of topics; whether the owner may read it is asked at each event."""
        for pattern in patterns:
            name = pattern.removesuffix(".*")
            if pattern != "*" and not catalogue.is_topic(name):
                raise serializers.ValidationError(f"{pattern!r} is not a topic, a prefix ending in .*, or *.")
            if catalogue.aliases_among([pattern]):
                raise serializers.ValidationError(f"{pattern!r} is an alias; name the topics that it means.")
        return patterns

    def to_representation(self, endpoint: Endpoint) -> dict:
        """Return the endpoint without its secret."""
        return {
            "id": endpoint.pk,
            "url": endpoint.url,
            "description": endpoint.description,
            "event_types": endpoint.event_types,
            "topics": endpoint.topics,
            "enabled": endpoint.enabled,
            "disabled_reason": endpoint.disabled_reason,
            "created_at": timestamp(endpoint.created_at),
        }
