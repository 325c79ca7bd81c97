import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from access.models import User
from notifications import actions, broadcasts, inboxes
from notifications.kinds import Undone
from notifications.models import Broadcast, Notification


@pytest.fixture
def write(db):
    """Write a broadcast and let it be sent."""

    def make(**fields):
        row = Broadcast.objects.create(**{"text": "We move tonight", "text_de": "Wir ziehen um"} | fields)
        actions.schedule_broadcast(row)
        return row

    return make


@pytest.fixture
def thousand(db):
    # In bulk: they have no feeds, and hashing a thousand passwords takes long.
    User.objects.bulk_create(User(username=f"user{number}", is_active=number != 7) for number in range(1001))


def state(row):
    row.refresh_from_db()
    return row.status, row.told_count


def test_a_thousand_people_are_told_once_each(write, thousand):
    row = write()
    assert broadcasts.run() == 1000 and broadcasts.run() == 0
    assert state(row) == ("sent", 1000) and row.finished_at is not None
    told = Notification.objects.filter(kind="notice")
    assert told.values("recipient").distinct().count() == told.count() == 1000
    assert {each.text for each in told[:5]} == {"We move tonight"}


def test_a_broadcast_that_was_killed_goes_on_where_it_was(write, thousand, monkeypatch):
    row, told = write(), inboxes.tell
    pieces = []

    def die_at_the_third(asked):
        pieces.append(len(asked))
        found = told(asked)
        if len(pieces) == 3:
            raise SystemExit
        return found

    monkeypatch.setattr(inboxes, "tell", die_at_the_third)
    with pytest.raises(SystemExit):
        broadcasts.run()
    assert state(row) == ("sending", 400) and Notification.objects.count() == 400
    assert broadcasts.run() == 600
    assert state(row) == ("sent", 1000) and Notification.objects.count() == 1000


@pytest.mark.django_db(transaction=True)
def test_several_workers_tell_everybody_once(write, thousand):
    row, errors = write(), []

    def work():
        try:
            broadcasts.run()
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    broadcasts.run()
    assert errors == [] and state(row) == ("sent", 1000) and Notification.objects.count() == 1000


def test_one_that_is_not_due_or_a_draft_waits(write, alice):
    later = write(due_at=timezone.now() + timedelta(hours=1))
    Broadcast.objects.create(text="A draft")
    assert broadcasts.run() == 0 and state(later) == ("scheduled", 0)


def test_one_that_is_cancelled_stops_and_is_taken_back_from_who_has_not_read_it(write, alice, bob):
    row = write()
    broadcasts.run()
    actions.read_up_to(alice)
    assert actions.cancel_broadcast(row)
    assert state(row)[0] == "cancelled" and not actions.cancel_broadcast(row)
    assert Notification.objects.of(alice).filter(kind="notice").exists()
    assert not Notification.objects.of(bob).filter(kind="notice").exists()
    waiting = write()
    assert actions.cancel_broadcast(waiting) and broadcasts.run() == 0


def test_what_was_scheduled_is_not_scheduled_again(write, alice):
    row = write()
    assert not actions.schedule_broadcast(row)


def test_an_audience_is_who_is_meant(write, alice, bob, carol):
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    User.objects.filter(pk=bob.pk).update(last_login=timezone.now())
    User.objects.filter(pk=carol.pk).update(is_active=False)
    assert [broadcasts.count(name) for name in ("everyone", "staff", "recent", "feeds.watchers.1")] == [2, 1, 1, 0]
    write(audience="staff")
    assert broadcasts.run() == 1


def test_it_is_read_in_ones_own_language(write, alice, api):
    alice.language = "de"
    alice.save()
    write()
    broadcasts.run()
    [row] = api(alice).get("/api/v1/notifications/").json()["results"]
    assert (row["text"], row["actors"], row["subject"]["url"]) == ("Wir ziehen um", [], "/")


def test_what_is_told_of_a_thing_that_is_undone_stops(write, db):
    row = write(notice={"subject_type": "entry", "subject_id": "9", "within": "feeds/4"})
    broadcasts.stop(Undone(subject=("entry", "8")))
    assert state(row)[0] == "scheduled"
    broadcasts.stop(Undone(subject=("entry", "9")))
    assert state(row)[0] == "cancelled"
    row = write(notice={"subject_type": "entry", "subject_id": "9", "within": "feeds/4"})
    broadcasts.stop(Undone(within="feeds/4"))
    assert state(row)[0] == "cancelled"
