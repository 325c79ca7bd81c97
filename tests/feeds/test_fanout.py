import os
import subprocess
import sys
import threading

import pytest
from django.db import connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from access.models import User
from feeds import actions, fanout, materialisation, timeline
from feeds.models import Entry, Fanout, Feed, Follow, TimelineEntry, TimelineReader


@pytest.fixture
def readers(feed):
    """Thirty followers of alice's feed who read their timelines today."""
    people = [User.objects.create_user(f"p{number}") for number in range(30)]
    for person in people:
        actions.follow_feed(feed, by=person)
        materialisation.welcome(person.pk)
    return people


def ready():
    Fanout.objects.update(position=1)


def test_an_entry_is_pushed_to_active_followers_some_at_a_time(publish, readers, bob, monkeypatch):
    monkeypatch.setattr(fanout, "READERS", 20)
    entry = publish()
    assert fanout.run() == 0, "the event has not left yet"
    ready()
    assert fanout.push() == 20 and Fanout.objects.get().reached == readers[19].pk
    assert fanout.push() == 10 and not Fanout.objects.exists()
    assert fanout.push() is None
    rows = TimelineEntry.objects.values_list("reader_id", "entry_id", "feed_id")
    assert set(rows) == {(reader.pk, entry.pk, entry.feed_id) for reader in readers}, "bob never read his"


def test_a_deleted_entry_and_a_large_feed_are_not_pushed(feed, publish, readers, settings):
    publish().delete()
    ready()
    assert (fanout.run(), Fanout.objects.count()) == (0, 0)
    settings.TIDEWIRE_TIMELINE_PUSH_MAX_FOLLOWERS = 30
    publish()
    ready()
    assert (fanout.run(), Fanout.objects.count()) == (0, 0)
    assert Feed.objects.get(pk=feed.pk).is_pulled and not TimelineEntry.objects.exists()


def test_a_push_takes_few_queries_for_any_number_of_readers(publish, readers, query_count):
    publish()
    ready()
    assert query_count(fanout.run) <= 8


PUSHER = """
from config import environment; import django; django.setup()
from feeds import fanout
fanout.READERS = 1
while fanout.push() is not None:
    print("pushed", flush=True)
"""


@pytest.mark.django_db(transaction=True)
def test_a_pusher_that_is_killed_loses_nothing_and_the_next_goes_on(publish, readers):
    publish()
    ready()
    url = make_conninfo(**conninfo_to_dict(os.environ["DATABASE_URL"]) | {"dbname": connection.settings_dict["NAME"]})
    environment = os.environ | {"DATABASE_URL": url, "DEBUG": "0"}
    command = [sys.executable, "-c", PUSHER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        for _ in range(5):
            assert process.stdout.readline() == "pushed\n"
        process.kill()
    before = TimelineEntry.objects.count()
    assert 5 <= before < 30 and Fanout.objects.get().reached
    fanout.run()
    assert TimelineEntry.objects.count() == 30 and not Fanout.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_who_comes_follows_and_leaves_while_entries_are_pushed_misses_none(feed, people, monkeypatch):
    """Whatever runs at once, in the end each page is that of the plain query."""
    monkeypatch.setattr(fanout, "READERS", 2)
    monkeypatch.setattr(materialisation, "FILLED", 6)
    monkeypatch.setattr(materialisation, "BACKFILL", 3)
    monkeypatch.setattr(materialisation, "MOST", 9)
    errors, going = [], threading.Event()
    going.set()

    def run(work):
        try:
            while going.is_set():
                work()
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    def come_and_go(person):
        here = Feed.objects.select_related("owner").get(pk=feed.pk)
        actions.follow_feed(here, by=person)
        timeline.page(person, limit=3)
        materialisation.add_feed(person.pk, feed.pk)
        TimelineReader.objects.filter(pk=person.pk).update(is_built=False)
        timeline.page(person, limit=3)
        actions.unfollow_feed(here, by=person)
        materialisation.remove_feed(person.pk, feed.pk)
        actions.follow_feed(here, by=person)
        materialisation.add_feed(person.pk, feed.pk)

    def push():
        Fanout.objects.filter(position=None).update(position=1)
        fanout.run()

    works = [push, push, materialisation.trim, *(lambda person=person: come_and_go(person) for person in people)]
    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for _ in range(25):
        actions.publish_entry(feed, by=feed.owner, text="x")
    going.clear()
    for thread in threads:
        thread.join(30)
    assert errors == []
    push()
    for person in people:
        plain = list(Entry.objects.alive().home_of(person).order_by("-pk").values_list("pk", flat=True))
        assert len(plain) == 25 and [row.pk for row in timeline.page(person, limit=30)] == plain
    assert Follow.objects.filter(is_pushed=True).count() == len(people)


@pytest.fixture
def people(feed):
    return [User.objects.create_user(f"p{number}") for number in range(4)]
