from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from events.models import Event, LogHead
from webhooks import history, previews
from webhooks.listeners import listener_of
from webhooks.models import Endpoint

WEEK = timedelta(days=7)


@pytest.fixture
def look(alice):
    """What an endpoint of alice's would have got in the last week."""

    def make(owner=alice, since=WEEK, **fields):
        wish = {"event_types": ["tests.*"], "topics": ["*"], "content_filter": {}} | fields
        return previews.preview(listener_of(Endpoint(owner=owner, created_position=0, **wish)), timezone.now() - since)

    return make


def test_a_preview_counts_by_type_and_shows_the_newest(ring, look, sounds):
    ring(*"abcdefghijkl")
    found = look()
    assert (found.count, found.per_type, found.is_complete) == (12, {"tests.bell.rang": 12}, True)
    assert sounds(found.events) == "lkjihgfedc"
    assert found.scanned >= 12


def test_only_what_the_filter_lets_through_and_the_owner_may_read_is_counted(ring, look, bob, mallory, feed):
    ring("ding", "dong")
    ring("ding", topic=f"feeds.{feed.pk}.followers")
    wish = {"content_filter": {"sound": "ding"}}
    assert [look(who, **wish).count for who in (bob, mallory)] == [2, 1]
    assert look(topics=["users.*"]).count == 0
    assert look(event_types=["other.*"]).count == 0


def test_a_preview_begins_at_its_moment(ring, look):
    old, _ = ring("a", "b")
    Event.objects.filter(position__lte=old.position).update(logged_at=timezone.now() - timedelta(days=3))
    assert (look().count, look(since=timedelta(days=2)).count) == (2, 1)


def test_a_preview_says_where_the_log_begins(ring, look):
    pruned, first = ring("a", "b")
    LogHead.objects.update(pruned=pruned.position)
    found = look()
    assert (found.count, found.is_complete, found.since) == (1, True, Event.objects.get(pk=first.pk).logged_at)


def test_an_empty_log_has_nothing(db, alice, look):
    Event.objects.all().delete()
    LogHead.objects.update(position=0, pruned=0)
    found = look()
    assert (found.count, found.scanned, found.is_complete, found.events) == (0, 0, True, [])


@pytest.mark.parametrize(("name", "value"), [("EVENTS_MAX", 3), ("SECONDS_MAX", -1)])
def test_a_preview_that_ends_at_its_bounds_has_the_newest_and_says_since_when(
    ring, look, monkeypatch, sounds, name, value
):
    events = ring(*"abcdefgh")
    monkeypatch.setattr(history, name, value)
    monkeypatch.setattr(previews, "WINDOW", 3)
    found = look()
    assert (found.count, found.scanned, found.is_complete, sounds(found.events)) == (3, 3, False, "hgf")
    assert found.since == Event.objects.get(pk=events[5].pk).logged_at


def test_windows_that_do_not_fit_into_a_page_are_narrowed(ring, look, monkeypatch, sounds):
    ring(*"abcdefgh")
    page = history.page
    monkeypatch.setattr(history, "page", lambda *given, **window: page(*given, limit=2, **window))
    found = look()
    assert (found.count, found.is_complete, sounds(found.events)) == (8, True, "hgfedcba")


def test_quiet_topics_are_found_in_few_steps_however_much_else_is_in_the_log(ring, look, feed, query_count):
    ring("a")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_event (position, event_id, type, topic, subject, data, time, previous) "
            "SELECT (SELECT position FROM events_loghead) + n, gen_random_uuid(), 'tests.bell.rang', 'other', '', "
            "'{}', now(), 0 FROM generate_series(1, 30000) AS n"
        )
        cursor.execute("UPDATE events_loghead SET position = position + 30000")
    looks = []
    assert query_count(lambda: looks.append(look(topics=[f"feeds.{feed.pk}"]))) < 20
    assert (looks[0].count, looks[0].is_complete) == (1, True)
    everything = look(topics=["*"])
    assert (everything.scanned, everything.is_complete) == (20_000, False)
