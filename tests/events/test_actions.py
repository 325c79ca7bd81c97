from uuid import UUID

import pytest
from django.db import connection, transaction

from events import actions, subscribers, wake
from events.actions import Fact, NotInTransaction, record, record_many
from events.catalogue import InvalidPayload
from events.models import Checkpoint, Outbox, ParkedEvent

RELAY = (wake.RELAY,)


def record_one(event_type, **changes):
    record(event_type, **{"topic": "tests.1", "subject": "things/1", "data": {"thing": "a"}} | changes)


@pytest.mark.django_db(transaction=True)
def test_recording_outside_a_transaction_raises_and_keeps_nothing(happened, outbox):
    with pytest.raises(NotInTransaction):
        record_one(happened)
    assert outbox() == []


@pytest.mark.django_db
def test_a_recorded_event_is_a_row_with_a_uuid7_in_the_order_of_recording(happened):
    record_many(Fact(happened, "tests.1", "things/1", {"thing": thing}) for thing in "abc")

    rows = Outbox.objects.order_by("id")
    assert [row.data["thing"] for row in rows] == ["a", "b", "c"]
    assert all(isinstance(row.event_id, UUID) and row.event_id.version == 7 for row in rows)
    assert [row.event_id for row in rows] == sorted(row.event_id for row in rows)


@pytest.mark.django_db
def test_many_events_are_one_statement(happened, query_count):
    assert query_count(lambda: record_many(Fact(happened, "tests.1", "s", {"thing": "a"}) for _ in range(400))) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("topic", ["", "tests..1", "tests.1.", "tests 1", "tëst", "t" * 90])
def test_what_is_no_topic_is_refused(happened, outbox, topic):
    with pytest.raises(ValueError, match="is not a topic"):
        record_one(happened, topic=topic)
    assert outbox() == []


@pytest.mark.django_db
def test_data_that_is_too_large_is_refused_and_data_at_the_limit_is_not(happened, outbox, settings):
    settings.TIDEWIRE_EVENT_MAX_BYTES = len('{"thing":"12345"}')
    record_one(happened, data={"thing": "12345"})
    with pytest.raises(InvalidPayload, match="too much"):
        record_one(happened, data={"thing": "123456"})
    assert len(outbox()) == 1


@pytest.mark.django_db
def test_data_that_does_not_fit_the_schema_is_refused_where_payloads_are_validated(happened, outbox, settings):
    with pytest.raises(InvalidPayload, match=r"tests\.thing\.happened: thing: 1 is not of type"):
        record_one(happened, data={"thing": 1})
    settings.TIDEWIRE_VALIDATE_PAYLOADS = False
    record_one(happened, data={"thing": 1})
    assert len(outbox()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_commit_wakes_the_relay_once_and_a_rollback_never(happened, wakes):
    with transaction.atomic():
        record_one(happened)
        assert wakes == []
    assert wakes == [RELAY]

    with pytest.raises(RuntimeError), transaction.atomic():
        record_one(happened)
        raise RuntimeError
    assert wakes == [RELAY]


@pytest.mark.django_db(transaction=True)
def test_a_wake_up_that_raises_fails_no_committed_change(happened, monkeypatch, outbox):
    def fail():
        raise ConnectionError("no broker")

    monkeypatch.setattr(wake, "relay", fail)
    with transaction.atomic():
        record_one(happened)
    assert len(outbox()) == 1


def test_a_parked_event_is_taken_again_and_is_done(tell, subscriber):
    seen, broken = [], [True]

    def take(event):
        assert not broken, "broken"
        seen.append(event.data["thing"])

    at = subscriber(take)
    tell("a")
    Checkpoint.objects.update(failures=subscribers.TRIES - 1, failing_position=at().position)
    subscribers.run("tests")
    parked = ParkedEvent.objects.get()

    assert actions.retry_parked(parked) is False
    broken.clear()
    assert actions.retry_parked(parked) is True
    assert actions.retry_parked(parked) is True
    assert seen == ["a"]
    parked.refresh_from_db()
    assert (parked.status, parked.attempts) == ("done", subscribers.TRIES + 2)


@pytest.mark.django_db(transaction=True)
def test_a_stopped_subscriber_is_started_where_it_stands_and_woken_after_the_commit(subscriber, wakes):
    at = subscriber(print)
    Checkpoint.objects.filter(pk="tests").update(status="stopped", parked_in_row=5, position=3)
    with transaction.atomic():
        actions.start_subscriber(at())
        assert wakes == []
    assert (at().status, at().parked_in_row, at().position) == ("running", 0, 3)
    assert wakes == [(wake.SUBSCRIBER, "tests")]
    assert not connection.in_atomic_block
