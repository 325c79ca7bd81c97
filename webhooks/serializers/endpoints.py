"""Endpoints as the API takes and gives them."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from access.serializers import StrictSerializer
from events import catalogue
from events.encoding import timestamp
from events.payloads import compact
from webhooks import filters, headers, hosts, keys, signing
from webhooks.addresses import CheckedURL, RefusedURL, check_url
from webhooks.models import Endpoint

PATTERNS_MAX = 100
RATE_MAX, IN_FLIGHT_MAX, OVERLAP_HOURS_MAX = 1000, 64, 168


def checked_url(url: str) -> CheckedURL:
    """Return the parts of a URL that a webhook may go to; raises `RefusedURL`."""
    return check_url(
        url,
        allow_http=settings.TIDEWIRE_WEBHOOKS_ALLOW_HTTP,
        allow_private=settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE,
    )


def host_refusal(host: str) -> str | None:
    """Return why no webhook may go to a host, as far as name servers tell; for some seconds it may wait for them."""
    allow_private = settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE
    # A proxy knows more names than we do; and who develops, with private addresses open, is often without any network.
    must_be_known = not (allow_private or settings.TIDEWIRE_WEBHOOKS_PROXY_URL)
    return hosts.refusal(host, allow_private=allow_private, must_be_known=must_be_known)


class SecretField(serializers.CharField):
    """A secret of the subscriber's own making; what is wrong with it is said without showing it."""

    def to_internal_value(self, data: Any) -> str:
        """Read the secret in the spelling that every receiver's library reads."""
        try:
            return signing.given_secret(super().to_internal_value(data))
        except signing.SignatureError as error:
            raise serializers.ValidationError(str(error)) from None


class EndpointSerializer(StrictSerializer):
    """An endpoint; its secret is shown by the views that may, and the values of its headers by none."""

    url = serializers.CharField(max_length=2000)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    event_types = serializers.ListField(
        child=serializers.CharField(max_length=200), required=False, min_length=1, max_length=PATTERNS_MAX
    )
    topics = serializers.ListField(
        child=serializers.CharField(max_length=100), required=False, min_length=1, max_length=PATTERNS_MAX
    )
    filter = serializers.JSONField(source="content_filter", required=False)
    headers = serializers.DictField(required=False)
    content_type = serializers.ChoiceField(Endpoint.ContentType.choices, required=False)
    signature = serializers.ChoiceField(Endpoint.Signature.choices, required=False)
    ordering = serializers.ChoiceField(Endpoint.Ordering.choices, required=False)
    rate_per_second = serializers.IntegerField(min_value=1, max_value=RATE_MAX, required=False, allow_null=True)
    max_in_flight = serializers.IntegerField(min_value=1, max_value=IN_FLIGHT_MAX, required=False, allow_null=True)
    enabled = serializers.BooleanField(required=False)

    def validate_url(self, url: str) -> str:
        """Refuse what will never be sent to, with the reason."""
        try:
            checked = checked_url(url)
        except RefusedURL as error:
            raise serializers.ValidationError(str(error), code="refused") from None
        # One that is there already may be kept, whatever has become of its name.
        if self.instance is None or self.instance.url != url:
            self._check_host(checked.host)
        return url

    def _check_host(self, host: str) -> None:
        asked = self.context.get("hosts_asked", {})
        if reason := asked[host] if host in asked else host_refusal(host):
            raise serializers.ValidationError(reason, code="refused")

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

    def validate_filter(self, content_filter: Any) -> dict[str, Any]:
        """Check that it is a filter, and that it can be kept."""
        return _checked(content_filter, compact, filters.check)

    def validate_headers(self, given: dict[str, Any]) -> dict[str, str]:
        """Check that they can be sent along."""
        return _checked(given, headers.check)

    def to_representation(self, endpoint: Endpoint) -> dict:
        """Return the endpoint without anything secret."""
        return {
            "id": endpoint.pk,
            "url": endpoint.url,
            "description": endpoint.description,
            "event_types": endpoint.event_types,
            "topics": endpoint.topics,
            "filter": endpoint.content_filter,
            "headers": headers.hide(headers.stored(endpoint)),
            "content_type": endpoint.content_type,
            "signature": endpoint.signature,
            "public_key": keys.public_key(endpoint),
            "ordering": endpoint.ordering,
            "rate_per_second": endpoint.rate_per_second,
            "max_in_flight": endpoint.max_in_flight,
            "enabled": endpoint.enabled,
            "disabled_reason": endpoint.disabled_reason,
            "failing_since": endpoint.failing_since and timestamp(endpoint.failing_since),
            "failures_in_row": endpoint.failures_in_row,
            "postponed_until": endpoint.postponed_until and timestamp(endpoint.postponed_until),
            "created_at": timestamp(endpoint.created_at),
        }


class NewEndpointSerializer(EndpointSerializer):
    """An endpoint that is to be made; who moves here may bring the secret along that their receiver knows."""

    secret = SecretField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Take a secret only where one signs."""
        if "secret" in attrs and attrs.get("signature") == Endpoint.Signature.ASYMMETRIC:
            raise serializers.ValidationError({"secret": "With v1a nothing is signed with a secret."})
        return attrs


class RotationSerializer(StrictSerializer):
    """A new key: for how many hours the old one still signs, and the secret where it is brought along."""

    overlap_hours = serializers.IntegerField(min_value=0, max_value=OVERLAP_HOURS_MAX, required=False)
    secret = SecretField(required=False)


def _checked(value: Any, *checks) -> Any:
    try:
        for check in checks:
            check(value)
    except ValueError as error:
        raise serializers.ValidationError(str(error)) from None
    return value
