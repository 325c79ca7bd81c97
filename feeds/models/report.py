"""Reports."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from feeds import signals
from feeds.models.telling import Telling, TellingQuerySet

TEXT_MAX_LENGTH = 1_000
OBJECTS = ("entry", "comment", "feed", "user")


def _one_of(names: tuple[str, ...]) -> Q:
    """Return the condition that exactly one of the columns is filled."""
    one = Q()
    for name in names:
        one |= Q(**{f"{each}__isnull": each != name for each in names})
    return one


class ReportQuerySet(TellingQuerySet):
    """Questions about reports."""

    def open(self) -> "ReportQuerySet":
        """Return those that nobody has decided yet."""
        return self.filter(state=Report.State.OPEN)

    def whole(self) -> "ReportQuerySet":
        """Read along what is shown with each report."""
        return self.select_related("reporter", "closed_by", "entry", "comment", "feed", "user")


class Report(Telling):
    """Somebody says that an entry, a comment, a feed or a user breaks the rules; a moderator decides."""

    class Reason(models.TextChoices):
        SPAM = "spam"
        ABUSE = "abuse"
        ILLEGAL = "illegal"
        IMPERSONATION = "impersonation"
        OTHER = "other"

    class State(models.TextChoices):
        OPEN = "open"
        UPHELD = "upheld"
        REJECTED = "rejected"

    reporter = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reports", db_index=False
    )
    entry = models.ForeignKey("feeds.Entry", models.CASCADE, null=True, blank=True, related_name="reports")
    comment = models.ForeignKey("feeds.Comment", models.CASCADE, null=True, blank=True, related_name="reports")
    feed = models.ForeignKey("feeds.Feed", models.CASCADE, null=True, blank=True, related_name="reports")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="reports_suffered"
    )
    reason = models.CharField(max_length=20, choices=Reason.choices)
    text = models.CharField(max_length=TEXT_MAX_LENGTH, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    note = models.CharField(max_length=TEXT_MAX_LENGTH, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = ReportQuerySet.as_manager()
    told_with = ("reporter", "entry", "comment", "feed", "user")

    class Meta:
        permissions = [("moderate", "Can decide reports, hide what is said and show it again")]
        constraints = [
            models.CheckConstraint(condition=_one_of(OBJECTS), name="feeds_report_on_one"),
            # One open report of each reporter on each object.
            *(
                models.UniqueConstraint(
                    fields=["reporter", name], condition=Q(state="open"), name=f"feeds_report_{name}_once"
                )
                for name in OBJECTS
            ),
        ]
        indexes = [
            # The queue: what waits, and what was decided.
            models.Index(fields=["state", "-id"], name="feeds_report_queue"),
            # One's own reports.
            models.Index(fields=["reporter", "-id"], name="feeds_report_page"),
        ]

    def __str__(self) -> str:
        return f"{self.reason}: {self.kind} {self.object_id}"

    @property
    def kind(self) -> str:
        """Return what kind of object is reported."""
        return next(name for name in OBJECTS if getattr(self, f"{name}_id") is not None)

    @property
    def object_id(self) -> int:
        """Return the id of what is reported."""
        return getattr(self, f"{self.kind}_id")

    def was_made(self) -> None:
        """Tell who reports that it has arrived."""
        signals.report_opened.send(Report, report=self)

    def close(self, state: str, *, by, note: str = "") -> bool:
        """Decide it and tell who reported; say whether it was open until now. The caller is in a transaction."""
        self.lock()
        if self.state != Report.State.OPEN:
            return False
        self.state, self.note, self.closed_by, self.closed_at = state, note, by, timezone.now()
        self.version += 1
        self.write("state", "note", "closed_by", "closed_at", "version")
        signals.report_closed.send(Report, report=self)
        return True
