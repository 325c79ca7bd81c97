from datetime import timedelta

import pytest
from django.utils import timezone

from events import catalogue, log, retention
from events.models import Checkpoint, Event, LogHead, ParkedEvent


@pytest.fixture
def aged(tell, settings, monkeypatch):
    """Five events, all but the last past retention; return them by number from 1, and the position before them."""
    settings.TIDEWIRE_LOG_RETENTION_DAYS = 30
    monkeypatch.setattr(catalogue, "_retention_floors", [])
    start = log.head().position
    LogHead.objects.update(pruned=start)
    tell(*"abcde")
    old = Event.objects.filter(position__gt=start, position__lt=start + 5)
    old.update(logged_at=timezone.now() - timedelta(days=31))
    Checkpoint.objects.update(position=start + 5)
    return start


def left(start):
    return [position - start for position in Event.objects.values_list("position", flat=True)]


def test_what_is_past_retention_goes_and_the_head_says_so(aged):
    assert retention.prune() == 4
    assert left(aged) == [5]
    assert log.head().pruned == aged + 4
    assert retention.prune() == 0


def test_what_is_young_stays(aged, settings):
    settings.TIDEWIRE_LOG_RETENTION_DAYS = 32
    assert retention.prune() == 0
    assert log.head().pruned == aged


def test_a_young_event_keeps_those_behind_it_however_old(aged):
    Event.objects.filter(position=aged + 3).update(logged_at=timezone.now())
    assert retention.prune() == 2
    assert left(aged) == [3, 4, 5]


def test_nothing_is_pruned_past_a_checkpoint_even_of_a_stopped_subscriber(aged):
    Checkpoint.objects.filter(name="webhooks").update(position=aged + 2, status="stopped")
    assert retention.prune() == 2
    assert left(aged) == [3, 4, 5]


def test_a_parked_event_is_kept_until_it_is_done(aged):
    parked = ParkedEvent.objects.create(subscriber="webhooks", position=aged + 2, event_type="t.a.b", error="x")
    assert retention.prune() == 1
    parked.status = "done"
    parked.save()
    assert retention.prune() == 3


def test_what_an_app_still_needs_is_kept(aged):
    catalogue.keep_log_for(lambda: aged + 3)
    assert retention.prune() == 2


def test_the_log_goes_in_chunks(aged, monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 3)
    chunks, prune = [], retention._prune_chunk
    monkeypatch.setattr(retention, "_prune_chunk", lambda *bounds: chunks.append(prune(*bounds)) or chunks[-1])
    assert retention.prune() == 4
    assert chunks == [3, 1, 0]


def test_a_hole_made_by_hand_stops_nothing(aged, monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 2)
    Event.objects.filter(position__lte=aged + 2).delete()
    assert retention.prune() == 4
    assert left(aged) == [5]


def test_the_head_says_so_before_the_first_row_is_gone(aged, monkeypatch):
    seen = []
    monkeypatch.setattr(
        Event.objects.all().__class__, "delete", lambda rows: seen.append((log.head().pruned, rows.count()))
    )
    retention._prune_chunk(timezone.now(), aged + 2)
    assert seen == [(aged + 2, 2)]


def test_what_a_crash_left_behind_the_head_goes_with_the_next_chunk(aged):
    LogHead.objects.update(pruned=aged + 2)
    assert retention.prune() == 2
    assert left(aged) == [5]


def test_the_head_never_goes_back_to_an_earlier_place(aged, monkeypatch):
    late = LogHead.objects.get()
    LogHead.objects.update(pruned=aged + 4)
    monkeypatch.setattr(LogHead.objects, "get", lambda **which: late)
    retention._prune_chunk(timezone.now() - timedelta(days=30), aged + 2)
    assert log.head().pruned == aged + 4


def test_a_reader_from_before_is_told_and_one_from_behind_goes_on(aged):
    cursor = log.head().cursor
    retention.prune()
    assert log.head().refuses(cursor) is None
    assert log.head().refuses(cursor.__class__(cursor.epoch, aged + 3)) == "retention"
    assert log.head().refuses(cursor.__class__(cursor.epoch, aged + 4)) is None
