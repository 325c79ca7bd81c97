"""Things that people do, at random but the same for the same seed."""

import random
from datetime import timedelta

from django.utils import timezone

from access.models import User
from feeds import actions
from feeds.models import Comment, Entry, Feed, Follow
from notifications import actions as inbox
from notifications import snoozes
from notifications.models import Notification


class Chance:
    """What four people do with each other's feeds."""

    def __init__(self, world, seed):
        self.world, self.dice, self.turn = world, random.Random(seed), 0

    def act(self):
        """Do one thing, where there is something to do it with."""
        self.turn += 1
        w = self.world
        self.who = User.objects.get(pk=self.dice.choice([w.alice, w.bob, w.carol, w.mallory]).pk)
        ways = [name for name in dir(self) if name.startswith("do_")]
        getattr(self, self.dice.choice([*ways, *self.OFTEN]))()

    # What others need to have something to do it with.
    OFTEN = (
        "do_publish",
        "do_publish",
        "do_publish",
        "do_comment",
        "do_comment",
        "do_like",
        "do_follow",
        "do_make_feed",
    )

    def _one(self, rows):
        rows = list(rows.order_by("pk"))
        return self.dice.choice(rows) if rows else None

    def _entry(self):
        return self._one(Entry.objects.alive().readable_by(self.who))

    def _comment(self):
        return self._one(Comment.objects.alive().readable_by(self.who))

    def _feed(self, **fields):
        return self._one(Feed.objects.filter(**fields).select_related("owner"))

    def do_publish(self):
        visibility = self.dice.choice(["public", "followers"])
        actions.publish_entry(self._feed(owner=self.who), by=self.who, text=f"{self.turn}", visibility=visibility)

    def do_bulk(self):
        actions.publish_entries(self._feed(), [f"{self.turn}", f"{self.turn}"])

    def do_edit(self):
        if entry := self._entry():
            entry.text = f"{self.turn}"
            entry.save()

    def do_delete(self):
        if entry := self._entry():
            entry.delete()

    def do_like(self):
        if entry := self._entry():
            actions.like_entry(entry, by=self.who)

    def do_unlike(self):
        if entry := self._entry():
            actions.unlike_entry(entry, by=self.who)

    def do_comment(self):
        if entry := self._entry():
            actions.comment_on(entry, by=self.who, text=f"{self.turn}")

    def do_edit_comment(self):
        if comment := self._comment():
            comment.text = f"{self.turn}"
            comment.save()

    def do_delete_comment(self):
        if comment := self._comment():
            comment.delete()

    def do_follow(self):
        actions.follow_feed(self._feed(), by=self.who)

    def do_unfollow(self):
        actions.unfollow_feed(self._feed(), by=self.who)

    def do_answer(self):
        if follow := self._one(Follow.objects.pending()):
            answer = self.dice.choice([actions.accept_request, actions.decline_request])
            answer(follow.feed, follow.follower_id, by=follow.feed.owner)

    def do_remove(self):
        if follow := self._one(Follow.objects.accepted()):
            actions.remove_follower(follow.feed, follow.follower_id, by=follow.feed.owner)

    def do_open_or_close(self):
        # A personal one stays open: its readers learn by it that its owner has another name.
        if feed := self._feed(is_personal=False):
            feed.visibility = {"public": "followers", "followers": "public"}[feed.visibility]
            feed.save()

    def do_describe(self):
        feed = self._feed()
        feed.description = f"{self.turn}"
        feed.save()

    def do_rename(self):
        self.who.username = f"{self.who.username.rstrip('0123456789')}{self.turn}"
        self.who.save()

    def do_make_feed(self):
        visibility = self.dice.choice(["public", "followers"])
        Feed.objects.create(owner=self.who, slug=f"feed-{self.turn}", title=f"{self.turn}", visibility=visibility)

    def do_delete_feed(self):
        if feed := self._feed(is_personal=False):
            feed.delete()

    def do_read(self):
        if self.dice.random() < 0.5:
            inbox.read_up_to(self.who)
        elif one := self._one(Notification.objects.of(self.who).unread()):
            inbox.change(one, read=True)

    def do_unread(self):
        if one := self._one(Notification.objects.of(self.who).exclude(read_at=None)):
            inbox.change(one, read=False)

    def do_put_away(self):
        if one := self._one(Notification.objects.of(self.who)):
            inbox.change(one, archived=True)

    def do_snooze(self):
        if one := self._one(Notification.objects.of(self.who)):
            inbox.change(one, snoozed_until=timezone.now() + timedelta(seconds=self.dice.choice([-1, 60])))

    def do_wait(self):
        snoozes.bring_back()
