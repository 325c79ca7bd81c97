"""Feeds."""

from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.db import models, transaction
from django.db.models import Exists, Q, Value
from django.db.models.functions import Upper
from django.utils import timezone

from access.models import USERNAME
from feeds import signals
from feeds.models.follow import Follow
from feeds.models.telling import Telling, TellingQuerySet


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

    def for_viewer(self, user) -> "FeedQuerySet":
        """Add what is the viewer's own: whether they follow the feed, or have asked to, and are notified of it."""
        rows = self.select_related("owner")
        if not user.is_authenticated:
            return rows.annotate(following=Value(False), requested=Value(False), notify=Value(False))
        return rows.annotate(
            following=Exists(Follow.objects.accepted_of(user)),
            requested=Exists(Follow.objects.requested_of(user)),
            notify=Exists(Follow.objects.notified_of(user)),
        )


class Feed(Telling):
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
    follower_count = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    objects = FeedQuerySet.as_manager()
    told_with = ("owner",)

    # The viewer's own, which `for_viewer` fills in; of a new feed they are so.
    following = requested = notify = False

    class Meta:
        constraints = [
            # Two feeds whose addresses differ in case alone could be taken for each other; `iexact` asks in upper case.
            models.UniqueConstraint(
                Upper("slug"), name="feeds_slug_any_case", violation_error_message="This address is taken."
            ),
            models.UniqueConstraint(fields=["owner"], condition=Q(is_personal=True), name="feeds_one_personal_feed"),
        ]

    def __str__(self) -> str:
        return self.title

    def was_made(self) -> None:
        """Tell that the feed is there."""
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
        self.add_to(version=1)
        signals.feed_edited.send(Feed, feed=self)

    def count(self, *, followers: int) -> None:
        """Add to the number of followers and tell the exact new one."""
        self.add_to(follower_count=followers, version=1)
        signals.feed_counted.send(Feed, feed=self)

    def delete(self, *args, **kwargs) -> tuple[int, dict[str, int]]:
        """Delete the feed with all that is in it; one event tells of it all to its readers."""
        with transaction.atomic():
            self.add_to(version=1)
            # Who only asked does not read what is told on the feed's topic.
            Follow.objects.pending().filter(feed=self).delete()
            signals.feed_deleted.send(Feed, feed=self)
            return super().delete(*args, **kwargs)
