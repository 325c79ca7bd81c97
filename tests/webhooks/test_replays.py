import os
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from events import catalogue, log
from events.models import Event, LogHead
from webhooks import actions, fanout, replays, schedule, sender
from webhooks.models import Attempt, Delivery, Endpoint, Replay

CHECKOUT = Path(__file__).resolve().parents[2]
GONE = {"enabled": False, "disabled_reason": "The receiver answered 410 Gone."}
ENDS = ["failed", "exhausted", "cancelled", "succeeded", "pending"]


@pytest.fixture
def made(endpoint, alice):
    """alice's endpoint for bells."""
    return endpoint(alice, event_types=["tests.*"])


@pytest.fixture
def replay(made):
    """Begin a replay to alice's endpoint."""

    def make(only="all", after=0):
        made.refresh_from_db()
        return actions.start_replay(made, by=made.owner, only=only, after=after)

    return make


@pytest.fixture
def mixed(made, take):
    """Events a to e whose deliveries have ended in all the ways, and x and y that were never tried."""
    for event, status in zip(take(*"abcde"), ENDS, strict=True):
        due = None if status != "pending" else timezone.now() + timedelta(hours=1)
        Delivery.objects.filter(position=event.position).update(
            status=status, attempts=3, next_attempt_at=due, reason="Broken."
        )
    Endpoint.objects.update(**GONE)
    take(*"xy")
    actions.change_endpoint(made, enabled=True)


def due():
    return Delivery.objects.filter(status="pending", next_attempt_at__lte=timezone.now()).order_by("next_attempt_at")


@pytest.mark.parametrize(("only", "again"), [("failed", "abc"), ("missing", "xy"), ("all", "abcdxy")])
def test_a_replay_makes_due_what_it_is_for_in_the_order_of_the_log(mixed, replay, sounds, only, again):
    begun = replay(only)
    replays.run()
    begun.refresh_from_db()
    assert (begun.status, begun.made, begun.progress, begun.position) == ("done", len(again), 1.0, begun.upto)
    assert begun.finished_at is not None
    assert "".join(sorted(sounds(due()))) == again
    if only != "all":
        assert sounds(due()) == again


def test_the_tries_of_what_is_sent_again_are_counted_on_and_its_id_stays(mixed, replay):
    before = dict(Delivery.objects.values_list("pk", "event_id"))
    replay("failed")
    replays.run()
    again = Delivery.objects.filter(reason="", attempts=3, status="pending")
    assert again.count() == 3
    assert {pk: event_id for pk, event_id in Delivery.objects.values_list("pk", "event_id") if pk in before} == before


def test_a_replay_begins_after_its_position_and_ends_at_the_head_of_its_beginning(made, take, replay, sounds):
    events = take(*"abcd")
    Delivery.objects.update(status="failed")
    begun = replay("failed", after=events[1].position)
    take("e")
    Delivery.objects.filter(position__gt=events[-1].position).update(status="failed")
    replays.run()
    assert sounds(due()) == "cd"
    assert begun.upto == events[-1].position


def test_a_replay_goes_in_chunks_each_with_its_progress_and_a_second_run_makes_nothing_more(
    made, take, replay, monkeypatch
):
    monkeypatch.setattr(replays, "CHUNK", 2)
    take(*"abcde")
    Delivery.objects.all().delete()
    begun = replay("missing", after=log.head().position - 5)
    reached = []
    while replays.run_chunk(begun.pk):
        begun.refresh_from_db()
        reached.append((begun.progress, begun.made, Delivery.objects.count()))
    assert reached == [(0.4, 2, 2), (0.8, 4, 4), (1.0, 5, 5)]
    Replay.objects.update(status="running", position=begun.after)
    replays.run()
    assert Delivery.objects.count() == 5


def test_no_more_is_made_due_while_much_waits_and_it_goes_on_when_that_is_sent(made, take, replay, monkeypatch):
    monkeypatch.setattr(replays, "CHUNK", 2)
    monkeypatch.setattr(replays, "WAITING_MAX", 2)
    take(*"abcde")
    Delivery.objects.all().delete()
    begun = replay("missing", after=log.head().position - 5)
    for count in (2, 4, 5):
        replays.run()
        assert Delivery.objects.count() == count
        Delivery.objects.update(status="succeeded")
    begun.refresh_from_db()
    assert begun.status == "done"


def test_a_replay_to_a_paused_endpoint_waits_as_all_does(made, take, replay):
    take("a")
    Delivery.objects.all().delete()
    actions.change_endpoint(made, enabled=False)
    replay("missing")
    replays.run()
    assert Delivery.objects.get().status == "pending"


def test_a_replay_ends_when_the_endpoint_is_switched_off(made, take, replay):
    take("a")
    begun = replay("missing")
    Endpoint.objects.update(**GONE)
    replays.run()
    begun.refresh_from_db()
    assert (begun.status, begun.error) == ("failed", "The endpoint was switched off: The receiver answered 410 Gone.")


def test_what_may_not_be_read_any_more_is_not_sent_as_missing(endpoint, mallory, feed, take):
    take("a", topic=f"feeds.{feed.pk}.followers")
    theirs = endpoint(mallory, event_types=["tests.*"])
    begun = actions.start_replay(theirs, by=mallory, only="missing", after=0)
    replays.run()
    begun.refresh_from_db()
    assert (begun.status, begun.made) == ("done", 0)


def test_what_was_delivered_and_forgotten_is_not_sent_again_as_missing(made, take, replay, settings):
    settings.TIDEWIRE_WEBHOOKS_RETENTION_DAYS = 30
    events = take("a", "b")
    Event.objects.filter(position__lte=events[0].position).update(logged_at=timezone.now() - timedelta(days=31))
    Delivery.objects.all().delete()
    assert replay("missing").after == events[0].position
    replays.run()
    assert Delivery.objects.get().position == events[1].position


def test_what_is_forgotten_while_a_replay_runs_is_not_sent_again_as_missing(made, take, replay, settings):
    settings.TIDEWIRE_WEBHOOKS_RETENTION_DAYS = 30
    events = take("a", "b")
    begun = replay("missing", after=events[0].position - 1)
    Event.objects.filter(position__lte=events[0].position).update(logged_at=timezone.now() - timedelta(days=31))
    Delivery.objects.all().delete()
    replays.run()
    begun.refresh_from_db()
    assert (begun.status, Delivery.objects.get().position) == ("done", events[1].position)


def test_the_log_is_kept_for_what_a_running_replay_has_still_to_look_at(made, take, replay):
    events = take("a", "b")
    Delivery.objects.all().delete()
    assert catalogue.retention_floor() is None
    begun = replay("missing", after=events[0].position)
    assert catalogue.retention_floor() == events[1].position
    actions.cancel_replay(begun)
    assert catalogue.retention_floor() is None


def test_a_window_begins_where_the_log_does_and_an_empty_one_is_done_at_once(made, take, replay):
    take("a")
    LogHead.objects.update(pruned=log.head().position)
    begun = replay("failed")
    assert begun.after == begun.upto == log.head().position
    replays.run()
    begun.refresh_from_db()
    assert (begun.status, begun.progress, begun.made) == ("done", 1.0, 0)


def test_what_breaks_one_replay_is_told_in_it_and_stops_no_other(made, endpoint, alice, take, replay, monkeypatch):
    take("a")
    broken = replay("missing")
    fine = actions.start_replay(endpoint(alice, event_types=["tests.*"]), by=alice, only="missing", after=0)
    advance = replays._advance

    def fail(row, endpoint):
        if row.pk == broken.pk:
            raise RuntimeError("broken")
        advance(row, endpoint)

    monkeypatch.setattr(replays, "_advance", fail)
    replays.run()
    assert list(Replay.objects.order_by("pk").values_list("status", flat=True)) == ["failed", "done"]
    assert "has been logged" in Replay.objects.get(pk=broken.pk).error
    assert Delivery.objects.filter(endpoint=fine.endpoint).exists()


def test_a_cancelled_replay_goes_no_further(made, take, replay, monkeypatch):
    monkeypatch.setattr(replays, "CHUNK", 1)
    take(*"abc")
    Delivery.objects.all().delete()
    begun = replay("missing", after=log.head().position - 3)
    replays.run_chunk(begun.pk)
    actions.cancel_replay(begun)
    assert replays.run_chunk(begun.pk) is False
    assert (replays.run(), Delivery.objects.count()) == (0, 1)


def test_a_chunk_wakes_the_sender_once_it_is_committed(made, take, replay, wakes, django_capture_on_commit_callbacks):
    take("a")
    begun = replay("all")
    with django_capture_on_commit_callbacks(execute=True):
        replays.run_chunk(begun.pk)
    assert (schedule.SEND,) in wakes


KILLED_IN_THE_SECOND_CHUNK = """
import os, signal
from webhooks import fanout, replays
replays.CHUNK = 2
insert, calls = fanout.insert, []
def insert_and_die(pairs):
    calls.append(insert(pairs))
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return calls[-1]
fanout.insert = insert_and_die
replays.run()
"""


def python(lines):
    known = connection.get_connection_params()
    place = " ".join(
        f"{key}='{known[key]}'" for key in ("dbname", "user", "password", "host", "port") if known.get(key)
    )
    environment = {**os.environ, "DATABASE_URL": place, "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-c", f"import django\ndjango.setup()\n{lines}"]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.django_db(transaction=True)
def test_a_replay_whose_process_is_killed_goes_on_where_its_last_chunk_ended(made, take, replay, sounds):
    take(*"abcde")
    Delivery.objects.all().delete()
    begun = replay("missing", after=log.head().position - 5)
    assert python(KILLED_IN_THE_SECOND_CHUNK).returncode == -9
    begun.refresh_from_db()
    assert (begun.status, begun.made, sounds(Delivery.objects.order_by("pk"))) == ("running", 2, "ab")
    replays.run()
    begun.refresh_from_db()
    assert (begun.status, begun.made, sounds(Delivery.objects.order_by("pk"))) == ("done", 5, "abcde")


@pytest.mark.django_db(transaction=True)
def test_runners_side_by_side_make_each_delivery_once(made, take, replay, monkeypatch):
    monkeypatch.setattr(replays, "CHUNK", 2)
    take(*[str(number % 10) for number in range(30)])
    Delivery.objects.all().delete()
    begun = replay("missing", after=log.head().position - 30)
    threads = [threading.Thread(target=lambda: (replays.run(), connection.close())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    begun.refresh_from_db()
    assert (begun.status, begun.made, Delivery.objects.count()) == ("done", 30, 30)


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_is_deleted_in_the_midst_of_its_replay(made, take, replay, monkeypatch):
    take("a", "b")
    Delivery.objects.all().delete()
    begun = replay("missing")
    insert, deleting = fanout.insert, []

    def delete_meanwhile(pairs):
        thread = threading.Thread(target=lambda: (Endpoint.objects.get(pk=made.pk).delete(), connection.close()))
        thread.start()
        deleting.append(thread)
        with connection.cursor() as cursor:
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while thread.is_alive() and not (cursor.execute(waits), cursor.fetchone()[0])[1]:
                pass
        return insert(pairs)

    monkeypatch.setattr(fanout, "insert", delete_meanwhile)
    assert replays.run_chunk(begun.pk)
    deleting[0].join(20)
    assert [model.objects.count() for model in (Endpoint, Delivery, Replay, Attempt)] == [0, 0, 0, 0]


@pytest.mark.django_db(transaction=True)
def test_what_was_published_while_an_endpoint_was_paused_or_down_or_off_is_all_there_afterwards(
    made, take, receiver, replay
):
    Endpoint.objects.update(url=f"{receiver.url}/hook")
    take("a")
    sender.run()
    actions.change_endpoint(made, enabled=False)
    take("b", "c")
    sender.run()
    assert receiver.sounds() == ["a"]

    actions.change_endpoint(made, enabled=True)
    sender.run()
    assert sorted(receiver.sounds()) == ["a", "b", "c"]

    receiver.answers["/hook"] = 500
    take("d", "e")
    Delivery.objects.filter(status="pending").update(attempts=len(schedule.DELAYS))
    sender.run()
    assert sorted(Delivery.objects.values_list("status", flat=True)) == ["exhausted"] * 2 + ["succeeded"] * 3
    Endpoint.objects.update(**GONE)
    take("f", "g")

    receiver.answers.clear()
    receiver.got.clear()
    actions.change_endpoint(made, enabled=True)
    Endpoint.objects.update(postponed_until=None)
    for only in ("failed", "missing"):
        replay(only)
        replays.run()
        sender.run()
    assert sorted(receiver.sounds()) == ["d", "e", "f", "g"]
    assert set(Delivery.objects.values_list("status", flat=True)) == {"succeeded"}
