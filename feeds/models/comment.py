"""Comments."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from access.models import Block
from feeds import signals
from feeds.models import words
from feeds.models.entry import Entry
from feeds.models.mention import Mentioning
from feeds.models.moderated import Moderated
from feeds.models.telling import TellingQuerySet

TEXT_MAX_LENGTH = 2_000


class CommentQuerySet(TellingQuerySet):
    """Questions about comments."""

    def alive(self) -> "CommentQuerySet":
        """Leave out the deleted and hidden ones, and those of deleted or hidden entries."""
        return self.filter(deleted_at=None, hidden_at=None, entry__deleted_at=None, entry__hidden_at=None)

    def readable_by(self, user) -> "CommentQuerySet":
        """Return the comments on entries that the user may read."""
        return self.filter(entry__in=Entry.objects.readable_by(user))

    def shown_to(self, user) -> "CommentQuerySet":
        """Leave out what lists do not show the user though they might read it: comments of people kept apart."""
        return self.filter(Block.objects.apart(user.pk, "author_id")) if user.is_authenticated else self

    def with_words(self, text: str) -> "CommentQuerySet":
        """Return those that have every word of the text."""
        return words.found(self, ("text",), text)

    def for_viewer(self) -> "CommentQuerySet":
        """Read along what is shown with each comment."""
        return self.select_related("author", "parent").prefetch_related("mentions")


class Comment(Mentioning, Moderated):
    """Something said about an entry."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="comments")
    # The comment that it answers; there are answers to comments, but none to answers.
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="replies")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="comments")
    text = models.TextField(validators=[MaxLengthValidator(TEXT_MAX_LENGTH)])
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = CommentQuerySet.as_manager()
    told_with = ("author", "entry__author", "entry__feed", "parent")
    mentioned_in = "comment"
    hidden_signal, restored_signal = signals.comment_hidden, signals.comment_restored

    class Meta:
        indexes = [
            # The comments under an entry.
            models.Index(fields=["entry", "id"], condition=Q(deleted_at=None), name="feeds_comment_page"),
            # Full-text search.
            GinIndex(words.vector("text"), condition=Q(deleted_at=None), name="feeds_comment_words"),
        ]

    def __str__(self) -> str:
        return f"{self.text[:60]}" if self.deleted_at is None else "(deleted)"

    @property
    def entry_of(self) -> Entry:
        """Return the entry whose readers read it."""
        return self.entry

    def was_made(self) -> None:
        """Note whom it mentions; tell and count it."""
        self.note_mentions(is_new=True)
        signals.comment_published.send(Comment, comment=self)
        self.entry.count(comment_count=1)

    def lock(self, *wanted: str) -> list[str]:
        """Lock the row, and before it the entry: what is told of the comment comes before the entry's end or never."""
        Entry.objects.select_for_update(no_key=True).filter(pk=self.entry_id).values("pk").first()
        return super().lock(*wanted)

    def change(self) -> None:
        """Write a new text; what is the same is not told, and what is gone stays as it is, be it the entry."""
        if self.lock("text") and self.is_there and self.entry.is_there:
            self.edited_at, self.version = timezone.now(), self.version + 1
            self.write("text", "edited_at", "version")
            self.note_mentions(is_new=False)
            signals.comment_edited.send(Comment, comment=self)

    def delete(self, *args, **kwargs) -> tuple[int, dict[str, int]]:
        """Take back what was said: the text goes, the row stays as a tombstone. Twice is once."""
        with transaction.atomic():
            self.lock()
            if self.deleted_at is not None:
                return 0, {}
            self.text, self.deleted_at, self.version = "", timezone.now(), self.version + 1
            self.write("text", "deleted_at", "version")
            self.forget_mentions()
            signals.comment_deleted.send(Comment, comment=self)
            self.entry.count(comment_count=-1)
        return 1, {self._meta.label: 1}
