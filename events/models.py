"""The rows of the core: the outbox, the log with its head and topics, the subscribers' checkpoints, parked events."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class Outbox(models.Model):
    """A fact that has been committed, or soon will be, and has no position yet."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    type = models.CharField(max_length=200)
    topic = models.CharField(max_length=89)
    subject = models.CharField(max_length=200)
    data = models.JSONField()
    time = models.DateTimeField()

    class Meta:
        verbose_name = verbose_name_plural = "outbox"

    def __str__(self) -> str:
        return f"{self.type} on {self.topic}"


class LogHead(models.Model):
    """The one row that says where the log stands."""

    id = models.SmallAutoField(primary_key=True)
    epoch = models.CharField(max_length=16)
    # Which database this epoch belongs to; another one (a restore, a promoted replica) gets a new epoch.
    identity = models.CharField(max_length=100)
    position = models.BigIntegerField(default=0)
    # Everything up to here has been pruned: a cursor below it cannot go on.
    pruned = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "log head"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="events_one_loghead")]

    def __str__(self) -> str:
        return f"{self.epoch}-{self.position}"


class Topic(models.Model):
    """A topic's latest position, to which the relay links the next event."""

    name = models.CharField(max_length=89, primary_key=True)
    position = models.BigIntegerField()

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """A fact in the log. Append-only: its position never changes and no other event ever appears before it."""

    position = models.BigIntegerField(primary_key=True)
    event_id = models.UUIDField(unique=True)  # the same event is never logged twice; the admin looks it up
    type = models.CharField(max_length=200)
    topic = models.CharField(max_length=89)
    subject = models.CharField(max_length=200)
    data = models.JSONField()
    time = models.DateTimeField()
    previous = models.BigIntegerField()
    logged_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["position"]
        indexes = [
            # Resume and long poll: the events of some topics after a position.
            models.Index(fields=["topic", "position"], name="events_event_by_topic"),
            # Retention: where the events of a day end.
            models.Index(fields=["logged_at"], name="events_event_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.type}"


class Checkpoint(models.Model):
    """How far a subscriber has come; its row is the lock that keeps its runner alone."""

    class Status(models.TextChoices):
        RUNNING = "running"
        STOPPED = "stopped"

    name = models.CharField(max_length=100, primary_key=True)
    position = models.BigIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    # The event at which it stands, when that one fails: tries are counted apart, so that a crash counts too.
    failing_position = models.BigIntegerField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    parked_in_row = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.name} at {self.position}"


class ParkedEvent(models.Model):
    """An event that a subscriber could not take; it waits here for a person while the rest goes on."""

    class Status(models.TextChoices):
        PARKED = "parked"
        DONE = "done"

    subscriber = models.CharField(max_length=100)
    position = models.BigIntegerField()
    event_type = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PARKED)
    error = models.TextField()
    attempts = models.PositiveIntegerField(default=0)
    parked_at = models.DateTimeField(default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # Parking is repeated after a crash; it must not be doubled.
            models.UniqueConstraint(fields=["subscriber", "position"], name="events_parked_once"),
        ]
        indexes = [
            # The admin's list, and retention's floor: what still waits.
            models.Index(fields=["position"], condition=models.Q(status="parked"), name="events_parked_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} at {self.position}, for {self.subscriber}"
