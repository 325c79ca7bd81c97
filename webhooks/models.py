"""Endpoints, what is to be delivered to them, and every try."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models, transaction
from django.db.models import Min, Q
from django.utils import timezone

from events.catalogue import patterns_of
from events.models import Event
from webhooks import vault


def everything() -> list[str]:
    """Return the pattern that matches all."""
    return ["*"]


class EndpointQuerySet(models.QuerySet):
    """Questions about endpoints."""

    def listening_to(self, event: Event) -> "EndpointQuerySet":
        """Return the endpoints whose patterns match an event that is newer than they are; paused ones too."""
        return self.filter(
            event_types__overlap=patterns_of(event.type),
            topics__overlap=patterns_of(event.topic),
            created_position__lt=event.position,
            disabled_reason="",
        )


class Endpoint(models.Model):
    """A URL of a subscriber's, and which events it wants."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhook_endpoints")
    url = models.CharField(max_length=2000)
    description = models.CharField(max_length=500, blank=True)
    event_types = ArrayField(models.CharField(max_length=200), default=everything)
    topics = ArrayField(models.CharField(max_length=100), default=everything)
    enabled = models.BooleanField(default=True)
    # Why the server switched it off; empty while it did not. What its owner pauses has no reason and loses nothing.
    disabled_reason = models.CharField(max_length=200, blank=True)
    encrypted_secret = models.TextField()
    created_position = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        indexes = [
            # Fan-out: which endpoints match an event's type.
            GinIndex(fields=["event_types"], name="webhooks_endpoint_by_type"),
        ]

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


class DeliveryQuerySet(models.QuerySet):
    """Questions about deliveries."""

    def lowest_pending_position(self) -> int | None:
        """Return the position of the oldest event that is still to be sent, or None."""
        return self.filter(status=Delivery.Status.PENDING).aggregate(low=Min("position"))["low"]

    def finished_before(self, moment) -> "DeliveryQuerySet":
        """Return the deliveries that came to their end long ago."""
        return self.exclude(status=Delivery.Status.PENDING).filter(created_at__lt=moment)

    def cancel(self) -> int:
        """End them unsent; who is sending one of them now no longer counts."""
        return self.update(status=Delivery.Status.CANCELLED, next_attempt_at=None, lease_until=None, claim=None)


class Delivery(models.Model):
    """One event for one endpoint: when to try next, or how it ended. The row is the schedule."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        EXHAUSTED = "exhausted"
        CANCELLED = "cancelled"

    # Without an index of its own: those below begin with it.
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=200)
    position = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    # Who sends it now, and until when nobody else does; a sender that died is followed by another after that.
    lease_until = models.DateTimeField(null=True, blank=True)
    claim = models.UUIDField(null=True, blank=True)
    last_status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            # Fan-out repeated after a crash makes no second delivery.
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="webhooks_delivery_once"),
        ]
        indexes = [
            # The sender's claim: what is due for an endpoint. Finished rows are not in it, so it stays small.
            models.Index(
                fields=["endpoint", "next_attempt_at"], condition=Q(status="pending"), name="webhooks_delivery_due"
            ),
            # When the next one is due.
            models.Index(fields=["next_attempt_at"], condition=Q(status="pending"), name="webhooks_delivery_next"),
            # Retention's floor.
            models.Index(fields=["position"], condition=Q(status="pending"), name="webhooks_delivery_waiting"),
            # An endpoint's deliveries, newest first, also by status.
            models.Index(fields=["endpoint", "-id"], name="webhooks_delivery_page"),
            models.Index(fields=["endpoint", "status", "-id"], name="webhooks_delivery_by_status"),
            # Pruning of finished rows by age.
            models.Index(fields=["created_at"], name="webhooks_delivery_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} to {self.endpoint_id}"


class Attempt(models.Model):
    """One try to deliver: what was sent and what came back."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField()
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.TextField(blank=True)
    request_headers = models.JSONField(default=dict)
    response_headers = models.JSONField(default=dict)
    response_body = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"try {self.number}: {self.status_code or self.error}"


def retention_ends() -> datetime:
    """Return the moment before which finished deliveries are forgotten."""
    return timezone.now() - timedelta(days=settings.TIDEWIRE_WEBHOOKS_RETENTION_DAYS)
