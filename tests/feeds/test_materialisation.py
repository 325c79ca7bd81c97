from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from feeds import actions, fanout, materialisation
from feeds.models import Fanout, Feed, Follow, TimelineEntry, TimelineReader


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(materialisation, "FILLED", 4)
    monkeypatch.setattr(materialisation, "BACKFILL", 2)
    monkeypatch.setattr(materialisation, "MOST", 6)


def held(user):
    rows = TimelineEntry.objects.filter(reader_id=user.pk).order_by("-entry_id")
    return list(rows.values_list("entry_id", flat=True))


def away(user, days):
    TimelineReader.objects.filter(pk=user.pk).update(active_on=timezone.now().date() - timedelta(days=days))


def test_who_comes_is_given_the_newest_entries_and_twice_is_once(publish, bob):
    entries = [publish().pk for _ in range(6)]
    for _ in range(2):
        materialisation.welcome(bob.pk)
        reader = TimelineReader.objects.get(pk=bob.pk)
        assert (reader.is_built, reader.floor, held(bob)) == (True, entries[2] - 1, entries[:1:-1])
    assert Follow.objects.get(follower=bob).is_pushed


def test_a_timeline_with_room_has_all_there_is(publish, bob):
    publish()
    materialisation.welcome(bob.pk)
    assert (TimelineReader.objects.get().floor, len(held(bob))) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_who_is_welcomed_is_committed_before_their_timeline_is_filled(bob, monkeypatch):
    with pytest.raises(RuntimeError), transaction.atomic():
        # In a transaction around both, pushes would not see them.
        materialisation.welcome(bob.pk)
    monkeypatch.setattr(materialisation, "FILLED", "as many as there are")
    with pytest.raises(DatabaseError):
        materialisation.welcome(bob.pk)
    assert not TimelineReader.objects.get(pk=bob.pk).is_built


def test_a_new_follower_is_given_what_is_there(feed, publish, mallory):
    entries = [publish().pk for _ in range(2)]
    materialisation.welcome(mallory.pk)
    actions.follow_feed(feed, by=mallory)
    materialisation.add_feed(mallory.pk, feed.pk)
    assert held(mallory) == entries[::-1] and Follow.objects.get(follower=mallory).is_pushed


def test_of_a_feed_with_much_in_it_the_timeline_is_filled_anew(feed, publish, mallory):
    entries = [publish().pk for _ in range(5)]
    materialisation.welcome(mallory.pk)
    actions.follow_feed(feed, by=mallory)
    materialisation.add_feed(mallory.pk, feed.pk)
    assert held(mallory) == entries[:0:-1]
    assert TimelineReader.objects.get(pk=mallory.pk).floor == entries[1] - 1


def test_who_never_read_or_was_away_is_given_nothing(feed, publish, bob):
    publish()
    materialisation.add_feed(bob.pk, feed.pk)
    materialisation.welcome(bob.pk)
    Follow.objects.update(is_pushed=False)
    TimelineEntry.objects.all().delete()
    away(bob, 13)
    materialisation.add_feed(bob.pk, feed.pk)
    assert held(bob) == [] and not Follow.objects.get(follower=bob).is_pushed


def test_what_was_pushed_goes_with_the_follow_but_not_when_it_is_there_again(feed, publish, bob):
    publish()
    materialisation.welcome(bob.pk)
    materialisation.remove_feed(bob.pk, feed.pk)
    assert len(held(bob)) == 1
    actions.unfollow_feed(feed, by=bob)
    materialisation.remove_feed(bob.pk, feed.pk)
    assert held(bob) == []


def test_a_day_is_noted_once_and_never_for_who_was_away(bob, query_count):
    materialisation.welcome(bob.pk)
    away(bob, 1)
    materialisation.touch(bob.pk)
    assert TimelineReader.objects.get().active_on == timezone.now().date()
    away(bob, 13)
    materialisation.touch(bob.pk)
    assert TimelineReader.objects.get().active_on == timezone.now().date() - timedelta(days=13)


def test_a_long_timeline_is_shortened_and_one_of_who_is_away_emptied(publish, bob, carol):
    for user in (bob, carol):
        materialisation.welcome(user.pk)
    entries = [publish().pk for _ in range(7)]
    Fanout.objects.update(position=1)
    fanout.run()
    away(carol, 20)
    assert materialisation.trim() == 2
    assert (held(bob), held(carol)) == (entries[:2:-1], [])
    assert list(TimelineReader.objects.order_by("pk").values_list("is_built", "floor")) == [
        (True, entries[2]),
        (False, 0),
    ]
    assert materialisation.trim() == 0


def test_a_feed_that_lost_its_followers_is_pushed_again(feed, publish, bob, settings):
    settings.TIDEWIRE_TIMELINE_PUSH_MAX_FOLLOWERS = 1
    materialisation.welcome(bob.pk)
    publish()
    Fanout.objects.update(position=1)
    assert fanout.run() == 0 and Feed.objects.get(pk=feed.pk).is_pulled
    assert materialisation.push_again() == 0
    settings.TIDEWIRE_TIMELINE_PUSH_MAX_FOLLOWERS = 2
    assert materialisation.push_again() == 1
    assert not Feed.objects.get(pk=feed.pk).is_pulled and not Follow.objects.get(follower=bob).is_pushed
