"""Entries."""

from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, Value
from django.utils import timezone

from access.models import Block
from feeds import signals
from feeds.models.feed import Feed
from feeds.models.mention import Mentioning
from feeds.models.reaction import Reaction
from feeds.models.telling import Telling, TellingQuerySet

TEXT_MAX_LENGTH = 10_000


class EntryQuerySet(TellingQuerySet):
    """Questions about entries."""

    def alive(self) -> "EntryQuerySet":
        """Leave out the deleted ones."""
        return self.filter(deleted_at=None)

    def readable_by(self, user) -> "EntryQuerySet":
        """Return the entries that the user may read: public ones of public feeds, and all of feeds they follow."""
        public = Q(visibility=Entry.Visibility.PUBLIC, feed__visibility=Feed.Visibility.PUBLIC)
        if not user.is_authenticated:
            return self.filter(public)
        return self.filter(public | Q(feed__in=Feed.objects.followed_by(user)))

    def shown_to(self, user) -> "EntryQuerySet":
        """Leave out what lists do not show the user though they might read it: entries of people kept apart."""
        return self.filter(Block.objects.apart(user.pk, "author_id")) if user.is_authenticated else self

    def home_of(self, user) -> "EntryQuerySet":
        """Return the entries of the feeds that the user follows and of their own."""
        return self.filter(feed__in=Feed.objects.followed_by(user))

    def for_viewer(self, user) -> "EntryQuerySet":
        """Add what is the viewer's own: whether they like the entry."""
        likes = Reaction.objects.filter(entry=OuterRef("pk"), user_id=user.pk)
        liked = Exists(likes) if user.is_authenticated else Value(False)
        return self.select_related("author", "feed").prefetch_related("mentions").annotate(liked=liked)


class Entry(Mentioning, Telling):
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
    like_count = models.PositiveIntegerField(default=0)
    comment_count = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = EntryQuerySet.as_manager()
    told_with = ("author", "feed")
    mentioned_in = "entry"

    class Meta:
        verbose_name_plural = "entries"
        indexes = [
            # A feed's page, newest first, without the deleted ones.
            models.Index(fields=["feed", "-id"], condition=Q(deleted_at=None), name="feeds_entry_page"),
            # The public front page.
            models.Index(fields=["-id"], condition=Q(deleted_at=None, visibility="public"), name="feeds_entry_front"),
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

    def was_made(self) -> None:
        """Note whom it mentions, and tell that it was published."""
        self.note_mentions(is_new=True)
        signals.entry_published.send(Entry, entry=self)

    def change(self) -> None:
        """Write a new text; what is the same is not told, and a deleted entry stays as it is."""
        if self.lock("text") and self.deleted_at is None:
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

    def count(self, *, likes: int = 0, comments: int = 0) -> None:
        """Add to the counts and tell the exact new ones."""
        self.add_to(like_count=likes, comment_count=comments, version=1)
        signals.entry_counted.send(Entry, entry=self)
