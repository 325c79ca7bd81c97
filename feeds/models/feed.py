"""Feeds."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.db.models import Exists, Q, Value
from django.db.models.functions import Upper
from django.utils import timezone

from access.models import USERNAME, Block
from feeds import signals
from feeds.models import words
from feeds.models.counts import Counted, FeedCounts
from feeds.models.follow import Follow
from feeds.models.telling import TellingQuerySet

# What of a feed is the viewer's own.
VIEWERS_OWN = ("following", "requested", "notify", "muted")

# What a feed is found by.
FOUND_BY = ("slug", "title", "description")


class FeedQuerySet(TellingQuerySet):
    """Questions about feeds."""

    def visible_to(self, user) -> "FeedQuerySet":
        """Return the feeds that the user may know of; who may ask to follow must see that a feed is there."""
        return self if user.is_authenticated else self.filter(visibility=Feed.Visibility.PUBLIC)

    def readable_by(self, user) -> "FeedQuerySet":
        """Return the feeds whose entries the user may read."""
        if not user.is_authenticated:
            return self.filter(visibility=Feed.Visibility.PUBLIC)
        return self.filter(
            Q(visibility=Feed.Visibility.PUBLIC) | Q(owner=user) | Exists(Follow.objects.accepted_of(user))
        )

    def followed_by(self, user) -> "FeedQuerySet":
        """Return the feeds whose followers-only entries the user may read too: followed ones and one's own."""
        return self.filter(Q(owner=user) | Exists(Follow.objects.accepted_of(user)))

    def at_home_of(self, user) -> "FeedQuerySet":
        """Return the feeds that the user sees at home: followed ones that are not muted, and one's own."""
        return self.followed_by(user).filter(~Exists(Follow.objects.muted_of(user)))

    def shown_to(self, user) -> "FeedQuerySet":
        """Leave out what a search does not show the user: feeds of people kept apart."""
        return self.filter(Block.objects.apart(user.pk, "owner_id")) if user.is_authenticated else self

    def with_words(self, text: str) -> "FeedQuerySet":
        """Return those that have every word of the text."""
        return words.found(self, FOUND_BY, text)

    def for_viewer(self, user) -> "FeedQuerySet":
        """Add what is the viewer's own: whether they follow the feed, or have asked to, and are notified of it."""
        rows = self.select_related("owner", "counts")
        if not user.is_authenticated:
            return rows.annotate(
                following=Value(False), requested=Value(False), notify=Value(False), muted=Value(False)
            )
        return rows.annotate(
            following=Exists(Follow.objects.accepted_of(user)),
            requested=Exists(Follow.objects.requested_of(user)),
            notify=Exists(Follow.objects.notified_of(user)),
            muted=Exists(Follow.objects.muted_of(user)),
        )


class Feed(Counted):
    """A named stream of entries with one owner; the personal one has the owner's name."""

    class Visibility(models.TextChoices):
        PUBLIC = "public"
        FOLLOWERS = "followers"

    # Users are deactivated, not deleted: a cascade would take rows away without telling.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="feeds")
    slug = models.CharField(max_length=50, unique=True, validators=[USERNAME])
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True, validators=[MaxLengthValidator(2000)])
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.PUBLIC)
    is_personal = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    # It has too many followers: its entries are not pushed into timelines, readers look them up.
    is_pulled = models.BooleanField(default=False, editable=False)

    objects = FeedQuerySet.as_manager()
    told_with = ("owner",)
    counted_in = FeedCounts

    # The viewer's own, which `for_viewer` fills in; of a new feed they are so.
    following = requested = notify = muted = False

    class Meta:
        indexes = [
            # Full-text search.
            GinIndex(words.vector(*FOUND_BY), name="feeds_feed_words"),
        ]
        constraints = [
            # Two feeds whose addresses differ in case alone could be taken for each other; `iexact` asks in upper case.
            models.UniqueConstraint(
                Upper("slug"), name="feeds_slug_any_case", violation_error_message="This address is taken."
            ),
            models.UniqueConstraint(fields=["owner"], condition=Q(is_personal=True), name="feeds_one_personal_feed"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def follower_count(self) -> int:
        """Return how many follow it."""
        return self.tally.follower_count

    def was_made(self) -> None:
        """Tell that the feed is there."""
        self.begin()
        signals.feed_created.send(Feed, feed=self)

    def change(self) -> None:
        """Write its texts, visibility and owner; what is the same is not told."""
        if changed := self.lock("slug", "title", "description", "visibility", "owner_id"):
            self.version += 1
            self.write(*changed, "version")
            signals.feed_edited.send(Feed, feed=self)
            if "owner_id" in changed:
                # The new owner reads another topic until now: to them the feed is new.
                signals.feed_created.send(Feed, feed=self)
            if "visibility" in changed and self.visibility == self.Visibility.PUBLIC:
                # There is nothing left to ask for.
                Follow.objects.accept_requests_for(self)

    def tell_again(self) -> None:
        """Tell the feed anew, because what is told along with it has changed."""
        self.step(writes=True)
        signals.feed_edited.send(Feed, feed=self)

    def count(self, **steps: int) -> None:
        """Add to the number of followers and tell the exact new one."""
        self.step(**steps)
        signals.feed_counted.send(Feed, feed=self)

    def delete(self, *args, **kwargs) -> tuple[int, dict[str, int]]:
        """Delete the feed with all that is in it; one event tells of it all to its readers."""
        with transaction.atomic():
            self.step(writes=True)
            # Who only asked does not read what is told on the feed's topic.
            Follow.objects.pending().filter(feed=self).delete()
            signals.feed_deleted.send(Feed, feed=self)
            return super().delete(*args, **kwargs)
