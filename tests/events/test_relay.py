import threading
from contextlib import contextmanager

import psycopg
import pytest
from django.conf import settings
from django.db import DataError, connection, transaction

from events import relay
from events.actions import Fact, record, record_many
from events.catalogue import event_type
from events.models import Event, LogHead, Outbox, Topic
from events.payloads import fields, text

SAID = event_type("tests.word.said", "A word was said.", fields(word=text()))


@contextmanager
def other_connection():
    names = ("dbname", "user", "password", "host", "port")
    params = {name: value for name, value in connection.get_connection_params().items() if name in names}
    with psycopg.connect(**params) as other:
        yield other


def say(*words, topic="tests.1"):
    with transaction.atomic():
        record_many(Fact(SAID, topic, "words/1", {"word": word}) for word in words)


@pytest.mark.django_db
def test_positions_are_dense_and_in_the_order_of_recording():
    say("one", "two")
    say("three", topic="tests.2")

    assert relay.run() == 3

    rows = Event.objects.order_by("position").values_list("position", "topic", "previous", "data")
    first = rows[0][0]
    assert [(row[0] - first, row[1], row[3]["word"]) for row in rows] == [
        (0, "tests.1", "one"),
        (1, "tests.1", "two"),
        (2, "tests.2", "three"),
    ]


@pytest.mark.django_db
def test_each_event_is_linked_to_the_one_before_in_its_topic():
    say("a", topic="tests.1")
    say("b", topic="tests.2")
    say("c", topic="tests.1")
    relay.run()
    say("d", topic="tests.1")
    relay.run()

    a, b, c, d = Event.objects.order_by("position")
    assert (a.previous, b.previous, c.previous, d.previous) == (0, 0, a.position, c.position)
    assert Topic.objects.get(name="tests.1").position == d.position


@pytest.mark.django_db
def test_the_outbox_is_empty_afterwards_and_the_head_stands_at_the_last_event():
    say("one", "two")
    relay.run()

    assert not Outbox.objects.exists()
    assert LogHead.objects.get().position == Event.objects.latest("position").position


@pytest.mark.django_db
def test_a_batch_is_announced_once_with_its_events_encoded(announced):
    say("hé", "</script>")
    relay.run()

    [(epoch, events)] = announced
    assert [event.position for event in events] == [1, 2]
    assert '"word":"hé"' in events[0].encoded
    assert f'"cursor":"{epoch}-2","previous":"{epoch}-1"' in events[1].encoded


@pytest.mark.django_db
def test_more_than_a_batch_is_moved_in_several(monkeypatch, announced):
    monkeypatch.setattr(relay, "BATCH", 2)
    say(*"abcde")

    assert relay.run() == 5
    assert [len(events) for _, events in announced] == [2, 2, 1]


@pytest.mark.django_db(transaction=True)
def test_only_one_leader_relays_at_a_time():
    say("one")
    with other_connection() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", [relay.LOCK_KEY])
        assert relay.run() == 0
    assert relay.run() == 1


@pytest.mark.django_db(transaction=True)
def test_an_event_that_commits_late_gets_a_later_position_and_is_never_passed():
    with other_connection() as other:
        other.execute(
            "INSERT INTO events_outbox (event_id, type, topic, subject, data, time) "
            "VALUES (gen_random_uuid(), 'tests.word.said', 'tests.1', 'words/1', '{\"word\": \"early id\"}', now())"
        )
        say("late id")
        assert relay.run() == 1
        other.commit()
    assert relay.run() == 1

    words = [event.data["word"] for event in Event.objects.order_by("position")]
    assert words == ["late id", "early id"]


@pytest.mark.django_db(transaction=True)
def test_a_leader_whose_connection_is_cut_in_mid_batch_loses_and_repeats_nothing(monkeypatch):
    say("one", "two")
    with monkeypatch.context() as patch:
        patch.setattr(relay, "READ_BATCH", "SELECT pg_terminate_backend(pg_backend_pid())")
        patch.setattr(relay, "MOVE", "SELECT pg_terminate_backend(pg_backend_pid()), %s::text[], %s::int, %s::int")
        with pytest.raises(Exception, match=r"terminat|closed"):
            relay.run()
    connection.close()

    assert relay.run() == 2
    assert Event.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_fails_leaves_the_connection_fit_for_the_next(monkeypatch):
    say("one")
    with monkeypatch.context() as patch:
        patch.setattr(relay, "READ_HEAD", "SELECT 1 / 0")
        with pytest.raises(DataError, match="division by zero"):
            relay.run()

    assert relay.run() == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_committed_while_the_lock_is_held_is_seen_before_the_run_ends():
    say("zero")
    relay.run()
    say("one")
    moved = []
    leader = threading.Thread(target=lambda: (moved.append(relay.run()), connection.close()))
    with other_connection() as other:
        # The leader's statement has looked already when it comes to wait for this row.
        other.execute("SELECT FROM events_topic WHERE name = 'tests.1' FOR UPDATE")
        leader.start()
        while not other.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0]:
            pass
        say("two")
    leader.join()
    assert moved == [2]


@pytest.mark.django_db
def test_a_batch_of_which_rows_were_pruned_meanwhile_is_moved_and_not_told(monkeypatch, announced):
    say("one", "two")
    monkeypatch.setattr(relay, "READ_BATCH", f"{relay.READ_BATCH} LIMIT 1")
    assert relay.run() == 2
    assert announced == []


@pytest.mark.django_db
def test_no_event_gets_a_position_on_a_server_that_may_be_another_database(announced):
    say("one")
    LogHead.objects.update(identity="1/1/1")
    before = LogHead.objects.get().epoch
    relay._known.clear()

    assert relay.run() == 1
    [(epoch, _)] = announced
    assert epoch == LogHead.objects.get().epoch != before


@pytest.mark.django_db
def test_another_database_gets_another_epoch_and_keeps_its_positions():
    say("one")
    relay.run()
    before = LogHead.objects.get()
    LogHead.objects.update(identity="1/1/1")

    relay.ensure_epoch()

    after = LogHead.objects.get()
    assert after.epoch != before.epoch
    assert after.position == before.position
    relay.ensure_epoch()
    assert LogHead.objects.get().epoch == after.epoch


@pytest.mark.django_db
def test_the_source_is_the_settings_and_never_the_callers(announced):
    say("one")
    relay.run()

    [(_, [event])] = announced
    assert f'"source":"{settings.TIDEWIRE_SOURCE}"' in event.encoded


@pytest.mark.django_db
def test_a_rolled_back_change_leaves_no_event(outbox):
    with pytest.raises(RuntimeError, match="stop"), transaction.atomic():
        record(SAID, topic="tests.1", subject="words/1", data={"word": "never"})
        raise RuntimeError("stop")
    assert outbox() == []
