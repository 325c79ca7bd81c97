"""A small world for random schedules: feeds whose rights change, the log as it should be, and a bad channel layer."""

import asyncio
import json
from collections import defaultdict

from django.contrib.auth.models import AnonymousUser
from django.db import transaction

from access.event_types import KEY_REVOKED
from access.models import User
from events import catalogue, relay
from events.actions import Fact, record, record_many
from events.cursor import Cursor, new_epoch
from events.models import Event, LogHead, Outbox
from events.models import Topic as TopicRow
from events.payloads import fields, text
from feeds import actions
from feeds.models import Feed
from tests.events.live.clock import beside_the_loop
from tests.journeys.transcript import Told

TYPES = [
    catalogue.event_type(f"chance.{noun}.{verb}", "Something happened by chance.", fields(word=text()))
    for noun, verb in (("wind", "rose"), ("wind", "fell"), ("rain", "began"), ("sun", "rose"))
]
PATTERNS = [[], [], ["chance.*"], ["chance.wind.*"], ["chance.sun.rose", "feeds.*"], ["feeds.feed.*"]]


class World:
    """What is true: the feeds, who may read them, and the log with every event that ever was in it."""

    def __init__(self, dice, loop):
        self.dice, self.loop = dice, loop
        self.channel = asyncio.Queue()
        self.is_calm = False
        self.people = [User.objects.create_user(f"person{number}") for number in range(3)]
        self.readers = [*self.people, AnonymousUser()]
        self.feeds = list(Feed.objects.order_by("pk").filter(owner__in=self.people))
        self.topics = [f"feeds.{feed.pk}{end}" for feed in self.feeds for end in ("", ".followers")]
        self.topics += [f"users.{person.pk}" for person in self.people]
        for person in self.people[1:]:
            actions.follow_feed(self.feeds[0], by=person)
        relay.run()
        relay.ensure_epoch()
        head = self.head()
        self.base = head.position
        self._epochs = {head.epoch: []}
        # Where a right ended that is not held now, by user and topic (or None, for all): the id of the event.
        self.ended = {}
        self.may = self._all_rights()

    # -- The log ------------------------------------------------------------------------------------------------------

    @beside_the_loop
    def head(self):
        """Return the head as the database has it."""
        return Cursor(*LogHead.objects.values_list("epoch", "position").get(pk=1))

    def epoch(self):
        """Return the present epoch."""
        return self.head().epoch

    @beside_the_loop
    def pruned(self):
        """Return up to where the log was pruned."""
        return LogHead.objects.get(pk=1).pruned

    def between(self, after, upto):
        """Return every event that there ever was after the one cursor, up to the other."""
        return self._epochs[after.epoch][max(0, after.position - self.base) : max(0, upto.position - self.base)]

    def position_of(self, id):
        """Return where an event of the present epoch stands, or None when it has no position yet."""
        return next((each.position for each in self._epochs[self.epoch()] if each.id == id), None)

    def announce(self, epoch, events):
        """Take what the relay says: keep it, and pass it on as a bad channel layer does."""
        ids = [json.loads(each.encoded)["id"] for each in events]
        self._epochs[epoch] += [Told(*each[:3], id) for each, id in zip(events, ids, strict=True)]
        message = {"epoch": epoch, "first": events[0].position, "last": events[-1].position}
        message["events"] = None if self._happens(0.05) else [tuple(each) for each in events]
        for _ in range(self._copies()):
            delay = self.dice.choice([0.001, 0.01, 0.3, 2.5]) if self._happens(0.3) else 0
            self.loop.call_later(delay, self.channel.put_nowait, message)

    def _copies(self):
        if self._happens(0.15):
            return 0
        return 2 if self._happens(0.1) else 1

    def _happens(self, chance):
        return not self.is_calm and self.dice.random() < chance

    async def messages(self):
        """Yield what the channel layer brings, until it breaks."""
        while (message := await self.channel.get()) is not None:
            yield message
        raise ConnectionError("The channel layer is gone.")

    # -- Rights -------------------------------------------------------------------------------------------------------

    def _all_rights(self):
        return {(reader.pk, topic) for reader in self.readers for topic in catalogue.readable(reader, self.topics)}

    def change_rights(self, change):
        """Change rights, and note by which event those that are lost have ended."""
        last = Outbox.objects.order_by("-id").values_list("id", flat=True).first() or 0
        change()
        now = self._all_rights()
        said = [row for row in Outbox.objects.filter(id__gt=last).order_by("id") if catalogue.changes_rights(row.type)]
        for lost in self.may - now:
            self.ended[lost] = str(said[0].event_id)
        self.may = now

    def check_rights(self, principal, events):
        """Raise an error if one of these stands after the end of the right to it."""
        for event in events:
            held = (principal.user.pk, event["topic"]) in self.may and principal.valid
            if not held:
                end = self.ended[(principal.user.pk, event["topic"])] if principal.valid else principal.ended
                position = self.position_of(end)
                told = int(event["cursor"].split("-")[1])
                assert position is None or told <= position, (
                    f"{event['topic']} ended at {position}, yet {told} came ({principal.valid=})"
                )

    # -- What happens -------------------------------------------------------------------------------------------------

    @beside_the_loop
    def publish(self):
        """Let some things happen on some topics, in one transaction."""
        dice = self.dice
        size = dice.choice([1, 1, 10, 200])
        things = [(dice.choice(TYPES), dice.choice(self.topics)) for _ in range(dice.choice([1, 1, 2, 3, 8, 25]))]
        with transaction.atomic():
            record_many(Fact(type, topic, "things/1", {"word": "x" * size}) for type, topic in things)

    @beside_the_loop
    def follow(self):
        """Let somebody follow a feed, or not any more."""
        feed, person = self.dice.choice(self.feeds), self.dice.choice(self.people)
        ways = [
            lambda: actions.follow_feed(feed, by=person),
            lambda: actions.unfollow_feed(feed, by=person),
            lambda: actions.remove_follower(feed, person.pk, by=feed.owner),
        ]
        self.change_rights(self.dice.choice(ways))

    @beside_the_loop
    def open_or_close(self):
        """Let a feed be for everyone, or for its followers alone."""
        feed = self.dice.choice(self.feeds)
        feed.refresh_from_db()
        is_public = feed.visibility == Feed.Visibility.PUBLIC
        feed.visibility = Feed.Visibility.FOLLOWERS if is_public else Feed.Visibility.PUBLIC
        self.change_rights(feed.save)

    @beside_the_loop
    def revoke(self, principal):
        """Let what somebody came in by end."""
        with transaction.atomic():
            key = {"key": {"id": 1, "name": ""}}
            record(KEY_REVOKED, topic=principal.topic, subject="keys/1", data=key)
        principal.valid = False
        principal.ended = str(Outbox.objects.order_by("-id").first().event_id)

    @beside_the_loop
    def relay(self):
        """Give positions to what has happened."""
        relay.run()

    @beside_the_loop
    def prune(self):
        """Cut the log somewhere."""
        head = LogHead.objects.get(pk=1)
        upto = self.dice.randint(head.pruned, head.position)
        LogHead.objects.update(pruned=upto)
        Event.objects.filter(position__lte=upto).delete()

    @beside_the_loop
    def restore(self):
        """Go back to an earlier state of the log, as a restored database does, or to none."""
        before = LogHead.objects.get(pk=1)
        lowest = max(before.pruned, self.base)
        position = self.dice.choice([before.position, self.dice.randint(lowest, before.position)])
        epoch = new_epoch()
        self._epochs[epoch] = self._epochs[before.epoch][: position - self.base]
        # What was not yet relayed, and rights that ended, are as they are: only the log is another.
        Event.objects.filter(position__gt=position).delete()
        last = defaultdict(int)
        for topic, at in Event.objects.order_by("position").values_list("topic", "position"):
            last[topic] = at
        TopicRow.objects.all().delete()
        TopicRow.objects.bulk_create(TopicRow(name=name, position=at) for name, at in last.items())
        LogHead.objects.update(epoch=epoch, position=position)
