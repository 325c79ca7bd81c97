import random
from contextlib import suppress
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from access import actions as access
from access.models import Block, Mute, User
from events import relay, subscribers
from feeds import actions, fanout, materialisation, timeline
from feeds.models import Entry, Fanout, Feed, Follow, TimelineEntry, TimelineReader


@pytest.fixture
def small(monkeypatch, settings):
    """Make every bound so small that a few entries and readers pass it."""
    settings.TIDEWIRE_TIMELINE_PUSH_MAX_FOLLOWERS = 3
    monkeypatch.setattr(materialisation, "FILLED", 5)
    monkeypatch.setattr(materialisation, "BACKFILL", 2)
    monkeypatch.setattr(materialisation, "MOST", 8)
    monkeypatch.setattr(materialisation, "READERS", 2)
    monkeypatch.setattr(fanout, "READERS", 1)
    monkeypatch.setattr(timeline, "PROPOSED", 4)


def ids(rows):
    return [row.pk for row in rows]


def plain(user):
    return ids(Entry.objects.alive().home_of(user).shown_to(user).order_by("-pk"))


def paged(user, size=3):
    """Go through all pages, and back again."""
    found, before = [], None
    while rows := timeline.page(user, before=before, limit=size):
        found += ids(rows)
        before = rows[-1].pk
    back, after = [], 0
    while rows := timeline.newer(user, after=after, limit=size):
        back += ids(rows)
        after = rows[-1].pk
    assert back[::-1] == found
    return found


def follow_log():
    relay.run()
    subscribers.run("timeline")


class World:
    """Some people who do things with each other's feeds at random, and parts of the machinery that run at any time."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.people = [User.objects.create_user(f"p{number}") for number in range(5)]
        for person in self.people[:3]:
            Feed.objects.create(owner=person, slug=f"{person}-2", title="Second")

    def act(self):
        """Do one thing."""
        ways = [name for name in dir(self) if name.startswith("do_")]
        often = ["do_publish"] * 8 + ["do_follow"] * 6 + ["do_follow_log"] * 4 + ["do_push"] * 6
        self.who = self.dice.choice(self.people)
        getattr(self, self.dice.choice(ways + often))()

    def one(self, rows):
        rows = list(rows.order_by("pk"))
        return self.dice.choice(rows) if rows else None

    def feed(self, **fields):
        return self.one(Feed.objects.filter(**fields).select_related("owner"))

    def do_publish(self):
        feed = self.feed()
        visibility = self.dice.choice(["public", "followers"])
        actions.publish_entry(feed, by=feed.owner, text="x", visibility=visibility)

    def do_publish_many(self):
        actions.publish_entries(self.feed(), ["x"] * self.dice.randint(1, 7))

    def do_delete(self):
        if entry := self.one(Entry.objects.alive()):
            entry.delete()

    def do_follow(self):
        with suppress(PermissionDenied):
            actions.follow_feed(self.feed(), by=self.who)

    def do_unfollow(self):
        if follow := self.one(Follow.objects.filter(follower=self.who)):
            actions.unfollow_feed(follow.feed, by=self.who)

    def do_accept(self):
        if follow := self.one(Follow.objects.pending()):
            actions.accept_request(follow.feed, follow.follower_id, by=follow.feed.owner)

    def do_open_or_close(self):
        feed = self.feed()
        feed.visibility = self.dice.choice(["public", "followers"])
        feed.save()

    def do_give_away(self):
        feed = self.feed(is_personal=False)
        if feed:
            feed.owner = self.who
            feed.save()

    def do_delete_feed(self):
        if self.dice.random() < 0.2 and (feed := self.feed(is_personal=False)):
            feed.delete()

    def do_block(self):
        other = self.dice.choice(self.people)
        if other != self.who:
            access.block(self.who, other)

    def do_unblock(self):
        if block := self.one(Block.objects.all()):
            access.unblock(block.blocker, block.blocked_id)

    def do_mute(self):
        other = self.dice.choice(self.people)
        if other != self.who:
            access.mute(self.who, other)

    def do_unmute(self):
        if mute := self.one(Mute.objects.all()):
            access.unmute(mute.muter, mute.muted_id)

    def do_mute_feed(self):
        if follow := self.one(Follow.objects.filter(follower=self.who)):
            follow.muted = not follow.muted
            follow.save()

    def do_hide(self):
        if entry := self.one(Entry.objects.alive()):
            entry.hide(by=self.who, reason="x")

    def do_restore(self):
        if entry := self.one(Entry.objects.exclude(hidden_at=None)):
            entry.restore()

    def do_dismiss(self):
        if entry := self.one(Entry.objects.alive().home_of(self.who)):
            actions.dismiss_entry(entry, by=self.who)

    def do_follow_log(self):
        follow_log()

    def do_push(self):
        fanout.push()

    def do_push_all(self):
        follow_log()
        fanout.run()

    def do_trim(self):
        materialisation.trim()

    def do_push_again(self):
        materialisation.push_again()

    def do_stay_away(self):
        day = timezone.now().date() - timedelta(days=self.dice.choice([1, 12, 13, 14, 15, 20]))
        TimelineReader.objects.filter(pk=self.who.pk, active_on__gt=day).update(active_on=day)


@pytest.mark.parametrize("seed", range(5))
def test_the_pages_are_those_of_the_plain_query_whatever_was_pushed(db, small, seed):
    world = World(seed)
    for _ in range(80):
        world.act()
        assert paged(world.who) == plain(world.who)
    for person in world.people:
        assert paged(person) == plain(person)


def test_an_entry_is_there_before_it_was_pushed_and_after(publish, bob):
    assert timeline.page(bob, limit=5) == []
    entry = publish()
    assert paged(bob) == [entry.pk] and not TimelineEntry.objects.exists()
    follow_log()
    fanout.run()
    assert paged(bob) == [entry.pk] and not Fanout.objects.exists()
    assert list(TimelineEntry.objects.values_list("reader_id", "entry_id")) == [(bob.pk, entry.pk)]


def test_a_row_of_the_table_is_no_right(feed, publish, bob, mallory):
    entry = publish(visibility="followers")
    timeline.page(mallory, limit=5)
    TimelineEntry.objects.create(reader_id=mallory.pk, entry_id=entry.pk, feed_id=feed.pk)
    assert paged(mallory) == []
    Follow.objects.create(feed=feed, follower=mallory, state="pending")
    Follow.objects.filter(follower=mallory).update(is_pushed=True)
    assert paged(mallory) == []


def test_what_may_not_be_seen_leaves_no_gap_in_a_page(publish, bob, monkeypatch):
    kept = [publish().pk for _ in range(6)]
    gone = [publish() for _ in range(30)]
    follow_log()
    timeline.page(bob, limit=5)
    for entry in gone:
        entry.delete()
    assert ids(timeline.page(bob, limit=5)) == kept[:0:-1]


def test_an_active_reader_is_noted_once_a_day(publish, bob, query_count):
    publish()
    timeline.page(bob, limit=5)
    assert query_count(lambda: timeline.page(bob, limit=5)) == 3
    TimelineReader.objects.update(active_on=timezone.now().date() - timedelta(days=1))
    assert query_count(lambda: timeline.page(bob, limit=5)) == 4
    assert query_count(lambda: timeline.page(bob, limit=5)) == 3


def test_pages_by_rest_take_five_queries_and_stay_when_entries_come(api, publish, bob, query_count):
    old = [publish(f"{number}").pk for number in range(7)][::-1]
    client, pages = api(bob), []
    client.get("/api/v1/timeline/")

    def get(url):
        pages.append(client.get(url).json())

    assert query_count(lambda: get("/api/v1/timeline/?page_size=3")) <= 5
    follow_log()
    fanout.run()
    publish("new")
    get(pages[0]["next"])
    assert [row["id"] for page in pages for row in page["results"]] == old[:6]
    get(pages[1]["next"])
    assert [row["id"] for row in pages[2]["results"]] == old[6:] and pages[2]["next"] is None
    get(pages[2]["previous"])
    assert pages[3]["results"] == pages[1]["results"]


@pytest.mark.parametrize("page", ["x", "cD0tMQ==", "cD05OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_page_that_is_none_is_refused_or_empty(api, publish, bob, page):
    publish()
    response = api(bob).get(f"/api/v1/timeline/?page={page}")
    assert response.status_code in (200, 400)
