import pytest
from django.db import connection, transaction

from events import relay, resident, wake
from events.actions import Fact, record_many
from events.models import Event
from events.resident import Resident

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def record(happened):
    """Let things happen."""

    def make(*things):
        with transaction.atomic():
            record_many(Fact(happened, "tests.1", f"things/{thing}", {"thing": thing}) for thing in things)

    return make


@pytest.fixture
def pauses(monkeypatch):
    """How long it paused."""
    pauses = []
    monkeypatch.setattr(resident.time, "sleep", pauses.append)
    return pauses


@pytest.fixture
def called(monkeypatch):
    """What the channel calls when the relay is called."""
    called = []
    monkeypatch.setattr("events.channel.on_call", called.append)
    return called


def subscribers(wakes):
    return [wanted for wanted in wakes if wanted[0] == wake.SUBSCRIBER]


def logged():
    return [event.data["thing"] for event in Event.objects.order_by("position")]


def test_it_moves_what_waits_shows_that_it_lives_and_ends_when_told(monkeypatch, record, called, wakes):
    record("a", "b")
    one, seen = Resident(), []

    def wait():
        seen.append(wake.resident_lives())
        one.stop()

    monkeypatch.setattr(one, "_wait", wait)
    one.run()
    assert logged() == ["a", "b"]
    assert seen == [True]
    assert not wake.resident_lives()
    assert subscribers(wakes)
    assert called == [one._call]


def test_a_call_ends_the_wait_and_many_are_one(monkeypatch):
    monkeypatch.setattr(resident, "LOOK_SECONDS", 30)
    one = Resident()
    for _ in range(3):
        one._call()
    one._wait()
    assert one._calls.empty()


def test_without_a_call_it_looks_again_by_the_clock(monkeypatch):
    monkeypatch.setattr(resident, "LOOK_SECONDS", 0.01)
    Resident()._wait()


def test_what_commits_before_the_flag_is_down_is_seen_by_the_last_look(monkeypatch, record):
    said = []
    monkeypatch.setattr(wake, "clear", lambda *flag: said or (said.append(flag), record("late")))
    Resident()._try()
    assert said == [(wake.RELAY,)]
    assert logged() == ["late"]


def test_while_another_leads_it_stands_by(record, pauses, other_connection):
    record("a")
    with other_connection() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", [relay.LOCK_KEY])
        Resident()._try()
    assert pauses == [resident.STANDBY_SECONDS]
    assert logged() == []


def test_it_outlives_its_connection(record, pauses):
    one = Resident()
    one._try()
    with connection.cursor() as cursor, pytest.raises(Exception, match=r"terminat"):
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    one._try()
    assert pauses == [resident.RETRY_SECONDS]
    record("a")
    one._try()
    assert logged() == ["a"]


def test_subscribers_are_woken_at_once_and_then_a_moment_later_for_all_that_came(monkeypatch, record, wakes):
    now = [100.0]
    monkeypatch.setattr(resident.time, "monotonic", lambda: now[0])
    one = Resident()
    record("a")
    one._try()
    woken = len(subscribers(wakes))
    assert woken
    record("b")
    one._try()
    assert len(subscribers(wakes)) == woken
    now[0] += 1
    one._wake_subscribers()
    one._wake_subscribers()
    assert len(subscribers(wakes)) == 2 * woken
