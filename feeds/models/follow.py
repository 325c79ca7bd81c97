"""Follows, and requests to follow."""

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, OuterRef, Q
from django.utils import timezone

from feeds import signals
from feeds.models.telling import Telling, TellingQuerySet

ACCEPT_CHUNK = 500


class FollowQuerySet(TellingQuerySet):
    """Questions about follows."""

    def accepted_of(self, user) -> "FollowQuerySet":
        """Return the user's accepted follows of the feed in the outer query."""
        return self.filter(feed=OuterRef("pk"), follower=user, state=Follow.State.ACCEPTED)

    def requested_of(self, user) -> "FollowQuerySet":
        """Return the user's unanswered request to follow the feed in the outer query."""
        return self.filter(feed=OuterRef("pk"), follower=user, state=Follow.State.PENDING)

    def notified_of(self, user) -> "FollowQuerySet":
        """Return the user's follows of the feed in the outer query that notify them of what is new."""
        return self.filter(feed=OuterRef("pk"), follower=user, notify=True)

    def audience(self, feed_id: int, after: int) -> "FollowQuerySet":
        """Return the follows of a feed whose followers' ids are above the one given, in their order."""
        rows = self.filter(feed=feed_id, state=Follow.State.ACCEPTED, follower__gt=after)
        return rows.order_by("follower")

    def accepted(self) -> "FollowQuerySet":
        """Return the follows that are, with who follows."""
        return self.filter(state=Follow.State.ACCEPTED).select_related("follower")

    def pending(self) -> "FollowQuerySet":
        """Return the requests that wait for an answer, with who asks."""
        return self.filter(state=Follow.State.PENDING).select_related("follower")

    def accept_requests_for(self, feed) -> None:
        """Accept all requests to follow a feed whose row is locked, some at a time, and tell of each."""
        waiting = self.pending().filter(feed=feed).select_for_update(of=("self",)).order_by("pk")
        while rows := list(waiting[:ACCEPT_CHUNK]):
            accepted = {"state": Follow.State.ACCEPTED, "version": F("version") + 1}
            self.filter(pk__in=[row.pk for row in rows]).update(**accepted)
            for row in rows:
                row.feed, row.state, row.version = feed, Follow.State.ACCEPTED, row.version + 1
            feed.count(followers=len(rows))
            signals.requests_accepted.send(Follow, follows=rows)


class Follow(Telling):
    """Somebody reads a feed; of a followers-only one first as a request."""

    class State(models.TextChoices):
        ACCEPTED = "accepted"
        PENDING = "pending"

    feed = models.ForeignKey("feeds.Feed", on_delete=models.CASCADE, related_name="follows")
    follower = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="follows")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACCEPTED)
    # Whether the follower wants to be notified of what is new; nobody else is told.
    notify = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    objects = FollowQuerySet.as_manager()
    told_with = ("feed__owner", "follower")

    class Meta:
        constraints = [
            # A double click or a repeated request is one follow.
            models.UniqueConstraint(fields=["follower", "feed"], name="feeds_follow_once"),
        ]
        indexes = [
            # A feed's followers, and the requests to follow it, newest first.
            models.Index(fields=["feed", "state", "-id"], name="feeds_follow_page"),
            # A feed's followers as an audience, in the order of their ids.
            models.Index(fields=["feed", "follower"], condition=Q(state="accepted"), name="feeds_follow_audience"),
        ]

    def __str__(self) -> str:
        return f"{self.follower} {'follows' if self.is_accepted else 'asks to follow'} {self.feed}"

    @property
    def is_accepted(self) -> bool:
        """Say whether it is a follow, not a request."""
        return self.state == self.State.ACCEPTED

    def was_made(self) -> None:
        """Count and tell a follow; tell a request."""
        if self.is_accepted:
            self.feed.count(followers=1)
            signals.feed_followed.send(Follow, follow=self)
        else:
            signals.follow_requested.send(Follow, follow=self)

    def change(self) -> None:
        """Accept a request; note whether the follower wants to be notified."""
        # The feed's row is locked before any of its follows, here and wherever else both are.
        self.feed.lock()
        changed = self.lock("state", "notify")
        if "notify" in changed:
            # The owner sees nothing of it, so the follow they know keeps its version.
            self.write("notify")
            signals.follow_notify_changed.send(Follow, follow=self)
        if "state" in changed and self.is_accepted:
            self.version += 1
            self.write("state", "version")
            self.feed.count(followers=1)
            signals.feed_followed.send(Follow, follow=self)

    def delete(self, *args, **kwargs) -> tuple[int, dict[str, int]]:
        """Follow no more, or ask no more."""
        with transaction.atomic():
            self.feed.lock()
            row = Follow.objects.select_for_update().filter(pk=self.pk).first()
            result = super().delete(*args, **kwargs)
            if row is not None:
                # It may have been accepted since this object was read.
                self.pk, self.state, self.version = row.pk, row.state, row.version + 1
                self._has_ended()
            return result

    def _has_ended(self) -> None:
        if self.is_accepted:
            self.feed.count(followers=-1)
            signals.feed_unfollowed.send(Follow, follow=self)
        else:
            signals.request_ended.send(Follow, follow=self)
