"""Replays: deliveries made anew for a window of the log, as a job with progress."""

from django.conf import settings
from django.db import models
from django.db.models import Min, Q
from django.utils import timezone

from webhooks.models.endpoint import Endpoint


class ReplayQuerySet(models.QuerySet):
    """Questions about replays."""

    def lowest_needed_position(self) -> int | None:
        """Return the position of the oldest event that a running one has still to look at, or None."""
        reached = self.filter(status=Replay.Status.RUNNING).aggregate(low=Min("position"))["low"]
        return None if reached is None else reached + 1


class Replay(models.Model):
    """What is sent anew to an endpoint: from which position of the log to which, and how far it has come."""

    class Only(models.TextChoices):
        FAILED = "failed", "what failed"
        MISSING = "missing", "what was never tried"
        ALL = "all", "everything"

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        CANCELLED = "cancelled"
        FAILED = "failed"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="replays")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    only = models.CharField(max_length=10, choices=Only.choices)
    # After the one, up to the other; `position` goes from `after` to `upto`, in the transaction that makes deliveries.
    after = models.BigIntegerField()
    upto = models.BigIntegerField()
    position = models.BigIntegerField()
    made = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ReplayQuerySet.as_manager()

    class Meta:
        constraints = [
            # One at a time for an endpoint: two would make each other's deliveries.
            models.UniqueConstraint(fields=["endpoint"], condition=Q(status="running"), name="webhooks_replay_alone"),
        ]
        indexes = [
            # An endpoint's replays, newest first.
            models.Index(fields=["endpoint", "-id"], name="webhooks_replay_page"),
        ]

    def __str__(self) -> str:
        return f"{self.get_only_display()} to {self.endpoint_id}"

    @property
    def progress(self) -> float:
        """Return how much of the window it has gone through, from 0 to 1."""
        if self.status == self.Status.DONE or self.upto <= self.after:
            return 1.0
        return round((self.position - self.after) / (self.upto - self.after), 4)
