"""What is to be delivered, to whom and when."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Min, Q
from django.db.models.functions import Now
from django.utils import timezone

from webhooks.models.endpoint import Endpoint


class DeliveryQuerySet(models.QuerySet):
    """Questions about deliveries."""

    def under_way(self) -> "DeliveryQuerySet":
        """Return those that somebody is sending now."""
        return self.filter(status=Delivery.Status.PENDING, lease_until__gt=Now())

    def make_due(self) -> int:
        """Let them be sent now, whatever became of them before."""
        fresh = {"lease_until": None, "claim": None, "reason": ""}
        return self.update(status=Delivery.Status.PENDING, next_attempt_at=Now(), **fresh)

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
    # Why the last try failed, or why there is no other one: a sentence for people.
    reason = models.CharField(max_length=300, blank=True, db_default="")
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


def retention_ends() -> datetime:
    """Return the moment before which finished deliveries are forgotten."""
    return timezone.now() - timedelta(days=settings.TIDEWIRE_WEBHOOKS_RETENTION_DAYS)
