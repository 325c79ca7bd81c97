"""Entries."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, Value
from django.utils import timezone

from access.models import Block, Mute
from feeds import signals
from feeds.models import words
from feeds.models.counts import Counted, EntryCounts
from feeds.models.dismissal import Dismissal
from feeds.models.feed import Feed
from feeds.models.mention import Mentioning
from feeds.models.moderated import Moderated
from feeds.models.reaction import Reaction
from feeds.models.telling import TellingQuerySet
from feeds.models.timeline import Fanout

TEXT_MAX_LENGTH = 10_000


class EntryQuerySet(TellingQuerySet):
    """Questions about entries."""

    def alive(self) -> "EntryQuerySet":
        """Leave out the deleted ones, and those that moderators have hidden."""
        return self.filter(deleted_at=None, hidden_at=None)

    def deleted(self) -> "EntryQuerySet":
        """Return what is left of the deleted ones."""
        return self.exclude(deleted_at=None).filter(hidden_at=None)

    def readable_by(self, user) -> "EntryQuerySet":
        """Return the entries that the user may read: public ones of public feeds, and all of feeds they follow."""
        public = Q(visibility=Entry.Visibility.PUBLIC, feed__visibility=Feed.Visibility.PUBLIC)
        if not user.is_authenticated:
            return self.filter(public)
        return self.filter(public | Q(feed__in=Feed.objects.followed_by(user)))

    def shown_to(self, user) -> "EntryQuerySet":
        """Leave out what lists do not show the user though they might read it.

        That is what people say who are kept apart from the user, and what the user has dismissed.
        """
        if not user.is_authenticated:
            return self
        dismissed = Dismissal.objects.filter(entry=OuterRef("pk"), user=user)
        return self.filter(Block.objects.apart(user.pk, "author_id")).exclude(Exists(dismissed))

    def home_of(self, user) -> "EntryQuerySet":
        """Return the entries of the feeds that the user follows and of their own, without what the user has muted."""
        muted = Mute.objects.active().filter(muter=user, muted=OuterRef("author_id"))
        return self.filter(~Exists(muted), feed__in=Feed.objects.at_home_of(user))

    def with_words(self, text: str) -> "EntryQuerySet":
        """Return those that have every word of the text."""
        return words.found(self, ("text",), text)

    def for_viewer(self, user) -> "EntryQuerySet":
        """Add what is the viewer's own: whether they like the entry."""
        likes = Reaction.objects.filter(entry=OuterRef("pk"), user_id=user.pk)
        liked = Exists(likes) if user.is_authenticated else Value(False)
        rows = self.select_related("author", "feed", "counts").prefetch_related("mentions")
        return rows.annotate(liked=liked)


class Entry(Mentioning, Counted, Moderated):
    """Something said in a feed."""

    class Kind(models.TextChoices):
        POST = "post"
        STATUS = "status"

    class Visibility(models.TextChoices):
        PUBLIC = "public"
        FOLLOWERS = "followers"

    feed = models.ForeignKey(Feed, on_delete=models.CASCADE, related_name="entries")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.POST)
    text = models.TextField(validators=[MaxLengthValidator(TEXT_MAX_LENGTH)])
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.PUBLIC)
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = EntryQuerySet.as_manager()
    told_with = ("author", "feed")
    mentioned_in = "entry"
    hidden_signal, restored_signal = signals.entry_hidden, signals.entry_restored
    counted_in = EntryCounts

    class Meta:
        verbose_name_plural = "entries"
        indexes = [
            # A feed's page, newest first, without the deleted ones.
            models.Index(fields=["feed", "-id"], condition=Q(deleted_at=None), name="feeds_entry_page"),
            # What is left of a feed's deleted entries.
            models.Index(fields=["feed", "-id"], condition=Q(deleted_at__isnull=False), name="feeds_entry_gone"),
            # The public front page.
            models.Index(fields=["-id"], condition=Q(deleted_at=None, visibility="public"), name="feeds_entry_front"),
            # Full-text search.
            GinIndex(words.vector("text"), condition=Q(deleted_at=None), name="feeds_entry_words"),
        ]

    def __str__(self) -> str:
        return f"{self.text[:60]}" if self.deleted_at is None else "(deleted)"

    @property
    def is_public(self) -> bool:
        """Say whether everyone may read it."""
        return self.visibility == self.Visibility.PUBLIC and self.feed.visibility == Feed.Visibility.PUBLIC

    @property
    def entry_of(self) -> "Entry":
        """Return the entry whose readers read it: itself."""
        return self

    @property
    def like_count(self) -> int:
        """Return how many like it."""
        return self.tally.like_count

    @property
    def comment_count(self) -> int:
        """Return how many comments stand under it."""
        return self.tally.comment_count

    def write(self, *fields: str) -> None:
        """Write some columns; with what ends it, or shows it again, its counts are closed or opened."""
        super().write(*fields)
        if not {"deleted_at", "hidden_at"}.isdisjoint(fields):
            EntryCounts.objects.filter(pk=self.pk).update(is_closed=not self.is_there)

    def was_made(self) -> None:
        """Note whom it mentions, let it be pushed, and tell that it was published."""
        self.begin()
        self.note_mentions(is_new=True)
        Fanout.objects.create(entry=self, feed=self.feed)
        signals.entry_published.send(Entry, entry=self)

    def change(self) -> None:
        """Write a new text; what is the same is not told, and a deleted entry stays as it is."""
        if self.lock("text") and self.is_there:
            self.edited_at, self.version = timezone.now(), self.version + 1
            self.write("text", "edited_at", "version")
            self.note_mentions(is_new=False)
            signals.entry_edited.send(Entry, entry=self)

    def delete(self, *args, **kwargs) -> tuple[int, dict[str, int]]:
        """Take back what was said: the text goes, the row stays as a tombstone. Twice is once."""
        with transaction.atomic():
            self.lock()
            if self.deleted_at is not None:
                return 0, {}
            self.text, self.deleted_at, self.version = "", timezone.now(), self.version + 1
            self.write("text", "deleted_at", "version")
            self.forget_mentions()
            signals.entry_deleted.send(Entry, entry=self)
        return 1, {self._meta.label: 1}

    def check_open(self) -> None:
        """Raise `Entry.DoesNotExist` if it had ended when its counts, which were just changed, were waited for."""
        if self.tally.is_closed:
            raise Entry.DoesNotExist(f"Entry {self.pk} is gone.")

    def count(self, **steps: int) -> None:
        """Add to the counts and tell the exact new ones."""
        self.step(**steps)
        signals.entry_counted.send(Entry, entry=self)
