"""What is to be delivered, to whom and when."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Min, OuterRef, Q, Subquery
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
        mine = self.filter(endpoint=OuterRef("pk"), status=Delivery.Status.PENDING).order_by("endpoint", "position")
        lowest = Endpoint.objects.annotate(low=Subquery(mine.values("position")[:1]))
        return lowest.aggregate(lowest=Min("low"))["lowest"]

    def cancel(self, reason: str = "") -> int:
        """End them unsent; who is sending one of them now no longer counts."""
        ended = {"status": Delivery.Status.CANCELLED, "reason": reason[:300]}
        return self.update(**ended, next_attempt_at=None, lease_until=None, claim=None)


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
            # The sender's claim: what is due for an endpoint, apart what was never tried, what failed before, and what
            # is sent in order (the last also for retention's floor). Finished rows are in none, so they stay small; and
            # none knows of claims, so that a claim writes no index.
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                condition=Q(status="pending", attempts=0),
                name="webhooks_delivery_new",
            ),
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                condition=Q(status="pending", attempts__gt=0),
                name="webhooks_delivery_again",
            ),
            models.Index(fields=["endpoint", "position"], condition=Q(status="pending"), name="webhooks_delivery_line"),
            # An endpoint's deliveries, newest first, also by status; nearly all succeed, and those are the page itself.
            models.Index(fields=["endpoint", "-id"], name="webhooks_delivery_page"),
            models.Index(
                fields=["endpoint", "status", "-id"],
                condition=~Q(status="succeeded"),
                name="webhooks_delivery_by_status",
            ),
            # Pruning of finished rows by age: they were written in that order.
            BrinIndex(fields=["created_at"], autosummarize=True, name="webhooks_delivery_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} to {self.endpoint_id}"


def retention_ends() -> datetime:
    """Return the moment before which finished deliveries are forgotten."""
    return timezone.now() - timedelta(days=settings.TIDEWIRE_WEBHOOKS_RETENTION_DAYS)
