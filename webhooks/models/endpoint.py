"""Endpoints: where subscribers want events sent, which, and how."""

import json
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils import timezone

from webhooks import vault


def everything() -> list[str]:
    """Return the pattern that matches all."""
    return ["*"]


class Endpoint(models.Model):
    """A URL of a subscriber's, which events it wants, and how they are sent to it."""

    class ContentType(models.TextChoices):
        CLOUD_EVENT = "application/cloudevents+json"
        JSON = "application/json"

    class Signature(models.TextChoices):
        SYMMETRIC = "v1", "v1 (HMAC-SHA256 with a shared secret)"
        ASYMMETRIC = "v1a", "v1a (ed25519, verified with a public key)"

    class Ordering(models.TextChoices):
        PARALLEL = "parallel", "as fast as possible"
        FIFO = "fifo", "one after the other, in the order of the log"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=500, blank=True)

    # Which events: patterns, and what the event's data must hold (see `webhooks.filters`).
    event_types = ArrayField(models.CharField(max_length=200), default=everything)
    topics = ArrayField(models.CharField(max_length=100), default=everything)
    content_filter = models.JSONField(default=dict, blank=True)
    created_position = models.BigIntegerField()

    # How they are sent.
    content_type = models.CharField(max_length=40, choices=ContentType.choices, default=ContentType.CLOUD_EVENT)
    signature = models.CharField(max_length=3, choices=Signature.choices, default=Signature.SYMMETRIC)
    encrypted_secret = models.TextField()
    # The ed25519 key of endpoints that want `v1a`; empty for the others.
    encrypted_private_key = models.TextField(blank=True)
    # The subscriber's own headers may hold credentials.
    encrypted_headers = models.TextField(blank=True)
    ordering = models.CharField(max_length=8, choices=Ordering.choices, default=Ordering.PARALLEL)
    # At most so many tries a second, and so many at once; empty: the server's own limits alone.
    rate_per_second = models.PositiveIntegerField(null=True, blank=True)
    max_in_flight = models.PositiveSmallIntegerField(null=True, blank=True)

    # What its owner pauses has no reason and loses nothing.
    enabled = models.BooleanField(default=True)
    # Why the server switched it off; empty while it did not.
    disabled_reason = models.CharField(max_length=200, blank=True)
    # While it fails: since when there were only failures, how many in a row, and whether its owner was told.
    failing_since = models.DateTimeField(null=True, blank=True)
    failures_in_row = models.PositiveIntegerField(default=0)
    failing_told_at = models.DateTimeField(null=True, blank=True)
    # The breaker: until then nothing is sent to it, and what is due waits.
    postponed_until = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.url[:100]

    def delete(self, *args, **kwargs) -> tuple[int, dict[str, int]]:
        """Delete the endpoint and all that was or is to be sent to it, whoever sends at the moment."""
        with transaction.atomic():
            # Held, so that neither a delivery nor an attempt is added between what is collected and what is deleted.
            list(Endpoint.objects.select_for_update().filter(pk=self.pk))
            list(self.deliveries.select_for_update().order_by("pk").values_list("pk", flat=True))
            return super().delete(*args, **kwargs)

    @property
    def secret(self) -> str:
        """Return the signing secret."""
        return vault.decrypt(self.encrypted_secret)

    @secret.setter
    def secret(self, text: str) -> None:
        self.encrypted_secret = vault.encrypt(text)

    @property
    def private_key(self) -> str:
        """Return the ed25519 key, or an empty text."""
        return vault.decrypt(self.encrypted_private_key) if self.encrypted_private_key else ""

    @private_key.setter
    def private_key(self, text: str) -> None:
        self.encrypted_private_key = vault.encrypt(text)

    @property
    def headers(self) -> dict[str, str]:
        """Return the subscriber's own headers, by their names as given."""
        return json.loads(vault.decrypt(self.encrypted_headers)) if self.encrypted_headers else {}

    @headers.setter
    def headers(self, headers: dict[str, str]) -> None:
        self.encrypted_headers = vault.encrypt(json.dumps(headers)) if headers else ""

    def signing_keys(self, now: datetime) -> list[str]:
        """Return the keys to sign with at a moment, the newest first: the current one and those that still overlap."""
        current = self.private_key if self.signature == self.Signature.ASYMMETRIC else self.secret
        return [current, *(old.key for old in self.retired_secrets.all() if old.expires_at > now)]


class RetiredSecret(models.Model):
    """A key that was rotated away and still signs, so that receivers have time to change over."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="retired_secrets")
    encrypted = models.TextField()
    expires_at = models.DateTimeField()

    class Meta:
        # The newest first, as they stand in the header.
        ordering = ["-id"]
        indexes = [
            # Those whose time is over, to be forgotten.
            models.Index(fields=["expires_at"], name="webhooks_retired_by_end"),
        ]

    def __str__(self) -> str:
        return f"of {self.endpoint_id}, until {self.expires_at:%Y-%m-%d %H:%M}"

    @property
    def key(self) -> str:
        """Return the key."""
        return vault.decrypt(self.encrypted)
