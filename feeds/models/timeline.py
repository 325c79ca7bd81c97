"""What the home timeline keeps: which entries were pushed to whom. A cache of what could be asked, never a right."""

from django.conf import settings
from django.db import models


class TimelineReader(models.Model):
    """Somebody who reads their home timeline, and how far down what was pushed to them is complete."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="timeline")
    # The last day on which they read it: written once a day at most.
    active_on = models.DateField()
    # Until it is built, everything is looked up.
    is_built = models.BooleanField(default=False)
    # Of the follows marked as pushed, every entry with a greater id is in the table, or still to be pushed.
    floor = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"the timeline of {self.user_id}"


class TimelineEntry(models.Model):
    """An entry that was pushed to a reader. No foreign keys: a row whose entry is gone is found by nobody."""

    # One index serves all: that a row comes once, a reader's page newest first, and what is trimmed.
    pk = models.CompositePrimaryKey("reader_id", "entry_id")
    reader_id = models.BigIntegerField()
    entry_id = models.BigIntegerField()
    feed_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.entry_id} for {self.reader_id}"


class Fanout(models.Model):
    """An entry that is still to be pushed: written together with the entry, gone together with the last push."""

    entry = models.OneToOneField("feeds.Entry", models.CASCADE, primary_key=True, related_name="fanout")
    feed = models.ForeignKey("feeds.Feed", models.CASCADE, db_index=False, related_name="+")
    # Its event's place in the log, known once the event was sent live: nothing is pushed before.
    position = models.BigIntegerField(null=True)
    # The last reader that it was pushed to; they are gone through by their ids.
    reached = models.BigIntegerField(default=0)

    class Meta:
        indexes = [
            # What a reader's page adds: entries of a feed that are not pushed to everybody yet.
            models.Index(fields=["feed", "-entry"], name="feeds_fanout_page"),
            # What is to be pushed next.
            models.Index(fields=["position"], name="feeds_fanout_next"),
        ]

    def __str__(self) -> str:
        return f"the push of {self.entry_id}"
