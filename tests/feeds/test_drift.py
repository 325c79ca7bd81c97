import random
import threading

import pytest
from django.db import connection

from access.models import User
from events.models import Outbox
from feeds import actions, drift
from feeds.models import Comment, Entry, EntryCounts, Feed, FeedCounts, Reaction

TOGGLES = 250


def test_counts_that_agree_are_left_alone(publish, bob, outbox):
    actions.like_entry(publish(), by=bob)
    publish()
    before = outbox()
    assert drift.repair() == 0 and outbox() == before


def test_drift_is_reported_repaired_and_told(feed, publish, bob, carol, caplog, monkeypatch):
    monkeypatch.setattr(drift, "CHUNK", 1)
    entry, untouched, gone = publish(), publish(), publish()
    for person in (bob, carol):
        actions.like_entry(entry, by=person)
    actions.comment_on(gone, by=bob, text="Hi")
    version = Entry.objects.get(pk=entry.pk).version
    EntryCounts.objects.filter(pk=entry.pk).update(like_count=7, comment_count=3)
    EntryCounts.objects.filter(pk=gone.pk).delete()
    FeedCounts.objects.filter(pk=feed.pk).update(follower_count=0)
    assert drift.repair() == 3
    row = Entry.objects.get(pk=entry.pk)
    assert (row.like_count, row.comment_count, row.version) == (2, 0, version + 1)
    assert (Entry.objects.get(pk=gone.pk).comment_count, Feed.objects.get(pk=feed.pk).follower_count) == (1, 2)
    told = {row.subject: row.data for row in Outbox.objects.order_by("-id")[:3]}
    assert told[f"entries/{entry.pk}"]["entry"]["like_count"] == 2
    assert told[f"entries/{gone.pk}"]["entry"]["comment_count"] == 1
    assert told[f"feeds/{feed.pk}"]["feed"]["follower_count"] == 2
    assert "were off by {'like_count': -5, 'comment_count': -3}" in caplog.text
    assert drift.repair() == 0 and not EntryCounts.objects.filter(pk=untouched.pk).exists()


def test_a_count_that_is_too_low_refuses_nobody(publish, bob):
    entry = publish()
    actions.like_entry(entry, by=bob)
    EntryCounts.objects.update(like_count=0)
    assert actions.unlike_entry(entry, by=bob).like_count == 0


@pytest.mark.django_db(transaction=True)
def test_thousands_of_toggles_at_once_leave_no_drift(feed, publish):
    entries = [publish(), publish()]
    people = [User.objects.create_user(f"p{number}") for number in range(8)]
    errors = []

    def toggle(number):
        dice = random.Random(number)
        try:
            for _ in range(TOGGLES):
                act(dice, entries, dice.choice(people[number // 2 :: 4]))
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    def act(dice, entries, person):
        entry, chance = dice.choice(entries), dice.random()
        if chance < 0.9:
            dice.choice([actions.like_entry, actions.unlike_entry])(entry, by=person)
        elif chance < 0.95:
            change = dice.choice([actions.follow_feed, actions.unfollow_feed])
            change(Feed.objects.select_related("owner").get(pk=feed.pk), by=person)
        elif chance < 0.97:
            row = Entry.objects.get(pk=entry.pk)
            row.text = f"{chance}"
            row.save()
        else:
            actions.comment_on(entry, by=person, text="Hi").delete() if dice.random() < 0.5 else None

    threads = [threading.Thread(target=toggle, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == [] and drift.repair() == 0
    likes = {entry.pk: Reaction.objects.filter(entry=entry).count() for entry in entries}
    assert {entry.pk: Entry.objects.get(pk=entry.pk).like_count for entry in entries} == likes
    assert not Comment.objects.filter(deleted_at=None).exists()
