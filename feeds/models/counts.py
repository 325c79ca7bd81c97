"""Counts, and the version of what is told with them, in a side row of each object.

Counting touches a few bytes and never the row that was written, so that no edit can bring an old count back and no
like waits for a long text. The rows counted (reactions, comments, follows) are the truth; these follow them.
"""

from typing import ClassVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, models

from feeds.models.telling import Telling


class Counts(models.Model):
    """What is counted of one object; one without such a row has zeros, and its first version."""

    version = models.PositiveIntegerField(default=1)
    # The version that last wrote the object itself: who holds a later one knows all of it but the counts.
    written = models.PositiveIntegerField(default=1)

    class Meta:
        abstract = True

    def add(self, *, writes: bool = False, **steps: int) -> None:
        """Add to the counts, which makes a version, in one statement; hold the row exactly as that left it."""
        table = self._meta.db_table
        sets = [f"{name} = greatest(0, {table}.{name} + %s)" for name in steps]
        row = self._changed([*sets, *([f"written = {table}.version + 1"] if writes else [])], writes, steps)
        if row is None:
            raise ObjectDoesNotExist(f"What {self._meta.verbose_name} {self.pk} were kept for is gone.")
        for field, value in zip(self._meta.concrete_fields, row, strict=True):
            setattr(self, field.attname, value)

    def _changed(self, sets: list[str], writes: bool, steps: dict[str, int]) -> tuple | None:
        """Make the row or change it: whoever comes second waits here for the first to commit."""
        table, key = self._meta.db_table, self._meta.pk
        owner = key.related_model._meta.db_table
        columns = [field.column for field in self._meta.concrete_fields]
        counts = [name for name in columns if name.endswith("_count")]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} ({key.column}, version, written{''.join(f', {name}' for name in counts)}) "
                f"SELECT id, 2, %s{', greatest(0, %s)' * len(counts)} FROM {owner} WHERE id = %s "
                f"ON CONFLICT ({key.column}) DO UPDATE SET {', '.join([*sets, f'version = {table}.version + 1'])} "
                f"RETURNING {', '.join(columns)}",
                [1 + writes, *(steps.get(name, 0) for name in counts), self.pk, *steps.values()],
            )
            return cursor.fetchone()


class EntryCounts(Counts):
    """How many like an entry, and how many comments stand under it."""

    entry = models.OneToOneField("feeds.Entry", models.CASCADE, primary_key=True, related_name="counts")
    like_count = models.PositiveIntegerField(default=0)
    comment_count = models.PositiveIntegerField(default=0)
    # The entry was deleted or hidden: who waited for this row meanwhile, to like it, sees so and does not.
    is_closed = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name = verbose_name_plural = "counts of entry"

    def __str__(self) -> str:
        return f"{self.like_count} likes and {self.comment_count} comments of {self.entry_id}"


class FeedCounts(Counts):
    """How many follow a feed."""

    feed = models.OneToOneField("feeds.Feed", models.CASCADE, primary_key=True, related_name="counts")
    follower_count = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = verbose_name_plural = "counts of feed"

    def __str__(self) -> str:
        return f"{self.follower_count} followers of {self.feed_id}"


class Counted(Telling):
    """A row with counts beside it, and its version with them: one number orders all that is told of the object."""

    counted_in: ClassVar[type[Counts]]

    class Meta:
        abstract = True

    @property
    def tally(self) -> Counts:
        """Return the side row; it need not be there before something was counted."""
        try:
            return self.counts
        except ObjectDoesNotExist:
            return self.begin()

    @property
    def held_version(self) -> int:
        """Return the version that was read along with the row; 0 if none was."""
        counts = self._state.fields_cache.get("counts")
        return counts.version if counts else 0

    def begin(self) -> Counts:
        """Hold the counts of a new row, without asking for them."""
        return self.counted_in(**{self._meta.model_name: self})

    @property
    def version(self) -> int:
        """Return the version of the row's state with its counts."""
        return self.tally.version

    @version.setter
    def version(self, value: int) -> None:
        self.tally.version = value

    @property
    def written(self) -> int:
        """Return the version that last wrote the row itself: who holds it or a later one has seen all but counts."""
        return self.tally.written

    def write(self, *fields: str) -> None:
        """Write some columns; the version goes on by one in the side row, which then holds the counts as they are."""
        if columns := [name for name in fields if name != "version"]:
            super().write(*columns)
        if "version" in fields:
            self.step(writes=True)

    def count(self, **steps: int) -> None:
        """Add to the counts and tell them."""
        raise NotImplementedError

    def step(self, **steps: int) -> None:
        """Add to the counts, by their columns, and make a version."""
        try:
            self.tally.add(**steps)
        except ObjectDoesNotExist:
            raise self.DoesNotExist(f"{self._meta.verbose_name} {self.pk} is gone.") from None
