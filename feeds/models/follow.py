"""Follows."""

from django.conf import settings
from django.db import models, transaction
from django.db.models import OuterRef
from django.utils import timezone

from feeds import signals
from feeds.models.telling import Telling, TellingQuerySet


class FollowQuerySet(TellingQuerySet):
    """Questions about follows."""

    def accepted_of(self, user) -> "FollowQuerySet":
        """Return the user's accepted follows of the feed in the outer query."""
        return self.filter(feed=OuterRef("pk"), follower=user, state=Follow.State.ACCEPTED)


class Follow(Telling):
    """Somebody reads a feed; of a followers-only one first as a request."""

    class State(models.TextChoices):
        ACCEPTED = "accepted"
        PENDING = "pending"

    feed = models.ForeignKey("feeds.Feed", on_delete=models.CASCADE, related_name="follows")
    follower = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="follows")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACCEPTED)
    created_at = models.DateTimeField(default=timezone.now)

    objects = FollowQuerySet.as_manager()
    told_with = ("feed__owner", "follower")

    class Meta:
        constraints = [
            # A double click or a repeated request is one follow.
            models.UniqueConstraint(fields=["follower", "feed"], name="feeds_follow_once"),
        ]

    def __str__(self) -> str:
        return f"{self.follower} follows {self.feed}"

    def was_made(self) -> None:
        """Count and tell an accepted follow; a request is neither."""
        if self.state == self.State.ACCEPTED:
            self._became_accepted()

    def change(self) -> None:
        """Accept a request."""
        if self.lock("state") and self.state == self.State.ACCEPTED:
            self.write("state")
            self._became_accepted()

    def delete(self, *args, **kwargs) -> tuple[int, dict[str, int]]:
        """Follow no more."""
        with transaction.atomic():
            row = Follow.objects.select_for_update().filter(pk=self.pk).first()
            result = super().delete(*args, **kwargs)
            # It may have been accepted since this object was read.
            if row is not None and row.state == self.State.ACCEPTED:
                self.feed.add_to(follower_count=-1, version=1)
                signals.feed_unfollowed.send(Follow, follow=self)
            return result

    def _became_accepted(self) -> None:
        self.feed.add_to(follower_count=1, version=1)
        signals.feed_followed.send(Follow, follow=self)
