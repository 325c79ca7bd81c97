import pytest
from django.db import transaction

from events import relay, watermark
from events.actions import Fact, record_many
from events.models import Event, Outbox
from events.watermark import Watermark

pytestmark = pytest.mark.django_db(transaction=True)

INSERT = """
    INSERT INTO events_outbox (event_id, type, topic, subject, data, time)
    VALUES (gen_random_uuid(), 'tests.thing.happened', 'tests.1', 'things/1', '{"thing": "early"}', now())
"""


@pytest.fixture
def mark(monkeypatch):
    """A watermark that rises as soon as it may."""
    monkeypatch.setattr(watermark, "PROMOTE_AFTER_EVENTS", 1)
    monkeypatch.setattr(watermark, "PROMOTE_AFTER_SECONDS", 0)
    return Watermark()


@pytest.fixture
def move(happened, mark):
    """Let things happen, each moved in a batch of its own."""

    def make(*things):
        for thing in things:
            with transaction.atomic():
                record_many([Fact(happened, "tests.1", f"things/{thing}", {"thing": thing})])
            assert relay.move(mark) is not None

    return make


def logged():
    return [event.data["thing"] for event in Event.objects.order_by("position")]


def test_it_rises_behind_what_was_moved(move, mark):
    move(*"abc")
    passed, floor = mark.bounds()
    assert passed == []
    assert floor > 0


def test_a_transaction_left_open_is_passed_over_and_its_event_comes_when_it_commits(other_connection, move, mark):
    with other_connection() as other:
        other.execute(INSERT)
        xid = other.execute("SELECT pg_current_xact_id()::text").fetchone()[0]
        move(*"abcd")
        passed, floor = mark.bounds()
        assert passed == [xid]
        assert floor > Outbox.objects.count()
        other.commit()
        move("after")
    # What was recorded after its commit stays behind it, though its id lies below the watermark.
    assert logged() == [*"abcd", "early", "after"]


def test_one_that_is_rolled_back_leaves_nothing_and_holds_nothing_up(other_connection, move, mark):
    with other_connection() as other:
        other.execute(INSERT)
        move(*"abcd")
        other.rollback()
    move(*"efgh")
    assert mark.bounds()[0] == []
    assert logged() == list("abcdefgh")


def take_an_id_without_a_number(other):
    """Take an id of the outbox in a transaction that has no number; a sequence that logs ahead would give it one."""
    while True:
        other.execute("LOCK TABLE events_outbox IN ROW EXCLUSIVE MODE")
        taken = other.execute("SELECT nextval(pg_get_serial_sequence('events_outbox', 'id'))").fetchone()[0]
        if other.execute("SELECT pg_current_xact_id_if_assigned()").fetchone()[0] is None:
            return taken
        other.rollback()


def test_it_does_not_rise_past_one_that_has_an_id_and_no_number_yet(other_connection, move, mark):
    with other_connection() as other:
        taken = take_an_id_without_a_number(other)
        move(*"abcd")
        assert mark.bounds()[1] < taken
        other.execute(INSERT.replace("(event_id", "(id, event_id").replace("(gen_", f"({taken}, gen_"))
        other.commit()
        move("after")
    assert logged() == [*"abcd", "early", "after"]


def test_a_sequence_that_was_turned_back_is_found_by_the_whole_look(monkeypatch, move, mark):
    mark._floor = 10**12
    move("a")
    assert logged() == []
    monkeypatch.setattr(watermark, "WHOLE_LOOK_SECONDS", 0)
    move("b")
    assert logged() == ["a", "b"]
