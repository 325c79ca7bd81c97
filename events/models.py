"""The rows of the core: outbox, log with head and topics, checkpoints, parked events, and types declared by people."""

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from events import catalogue, schemas

DECLARED_TYPES_MAX = 1000


class Outbox(models.Model):
    """A fact that has been committed, or soon will be, and has no position yet."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    type = models.CharField(max_length=200)
    topic = models.CharField(max_length=89)
    subject = models.CharField(max_length=200)
    data = models.JSONField()
    time = models.DateTimeField()
    # What a client said of an event that it published; NULL for all others.
    extensions = models.JSONField(null=True)

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


# Events of these verbs tell of a whole object; what it said is in them and in no others.
WHOLE = r"\.(published|edited|restored)$"


class Event(models.Model):
    """A fact in the log. Append-only: its position never changes and no other event ever appears before it.

    Texts that were taken back are blanked in place.
    """

    position = models.BigIntegerField(primary_key=True)
    event_id = models.UUIDField(unique=True)  # the same event is never logged twice; the admin looks it up
    type = models.CharField(max_length=200)
    topic = models.CharField(max_length=89)
    subject = models.CharField(max_length=200)
    data = models.JSONField()
    time = models.DateTimeField()
    previous = models.BigIntegerField()
    logged_at = models.DateTimeField(db_default=Now())
    extensions = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ["position"]
        indexes = [
            # Resume and long poll: the events of some topics after a position.
            models.Index(fields=["topic", "position"], name="events_event_by_topic"),
            # Redaction: where an object's texts are.
            models.Index(fields=["subject"], condition=models.Q(type__regex=WHOLE), name="events_event_redactable"),
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


def check_type_name(name: str) -> None:
    """Raise `ValidationError` unless an event type of this name may be declared beside those of the code."""
    if not catalogue.TYPE_GRAMMAR.fullmatch(name):
        raise ValidationError("Write app.noun.past_tense, in small letters.")
    if catalogue.is_of_code(name):
        raise ValidationError("Names that begin with this word belong to the server itself.", code="reserved")


def check_schema(schema: object) -> None:
    """Raise `ValidationError` unless data can be checked by this schema."""
    try:
        schemas.check(schema)
    except schemas.InvalidSchema as error:
        raise ValidationError(str(error)) from None


class DeclaredType(models.Model):
    """A type of event that clients may publish: declared here, as the code declares those of the server itself."""

    name = models.CharField(max_length=200, unique=True, validators=[check_type_name])  # the catalogue's look-up
    summary = models.CharField(max_length=300, help_text="One sentence that says what has happened.")
    schema = models.JSONField(
        default=dict, blank=True, validators=[check_schema], help_text="A JSON Schema (2020-12) of the event's data."
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = "event type"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Keep the catalogue of a size that one page shows, and take no schema that only looks empty."""
        if not self.schema:
            check_schema(self.schema)
        if self._state.adding and DeclaredType.objects.count() >= DECLARED_TYPES_MAX:
            raise ValidationError(f"There are {DECLARED_TYPES_MAX} event types already; that is the limit.")

    def save(self, *args, **kwargs) -> None:
        """Check and save it; another schema is another version."""
        self.full_clean()
        with transaction.atomic():
            before = DeclaredType.objects.select_for_update().filter(pk=self.pk).first()
            if before is not None:
                self.version = before.version + (before.schema != self.schema)
            super().save(*args, **kwargs)


class PresenceLease(models.Model):
    """Somebody reads a topic through one process, which must say so again before the lease expires."""

    topic = models.CharField(max_length=89)
    user_id = models.BigIntegerField()
    username = models.CharField(max_length=150)
    process = models.UUIDField()
    since = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [
            # Who is here: the leases of a topic, each once however many connections there are.
            models.UniqueConstraint(fields=["topic", "user_id", "process"], name="events_one_lease"),
        ]
        indexes = [
            # What a dead process has left.
            models.Index(fields=["expires_at"], name="events_lease_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.username} on {self.topic}"
