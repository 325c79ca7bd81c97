import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from events import catalogue
from events.models import Outbox
from notifications import actions, payloads
from notifications.kinds import Undone
from notifications.models import Inbox, Notification, ThreadMute


@pytest.fixture
def told():
    """Return the events of inboxes recorded since this was asked last; each must fit its schema."""
    seen = [0]

    def since():
        rows = list(Outbox.objects.filter(id__gt=seen[0], type__startswith="notifications.").order_by("id"))
        seen[0] = rows[-1].pk if rows else seen[0]
        for row in rows:
            catalogue.find_event_type(row.type).validate(row.data)
        return [(row.type.rpartition(".")[2], row.data["unread_count"], row.data["version"]) for row in rows]

    return since


def as_read(notification):
    return payloads.notification(notification, payloads.names([notification]), "en")


def unread(user):
    return Inbox(user_id=user.pk).unread_count


def test_a_notification_is_told_on_the_recipients_topic_with_the_count_and_the_version(alice, bob, notify):
    notification = notify(alice, bob)
    event = Outbox.objects.latest("id")
    assert (event.type, event.topic) == ("notifications.notification.created", f"users.{alice.pk}")
    assert event.subject == f"notifications/{notification.pk}"
    assert event.data == {"notification": as_read(notification), "unread_count": 1, "version": 1}


def test_nobody_is_told_of_what_they_did_themselves(alice, notify, told):
    assert notify(alice, alice) is None
    assert told() == [] and not Notification.objects.exists()


def test_the_same_event_notifies_once(alice, bob, notify, told):
    event = uuid4()
    first, second = (notify(alice, bob, source_event=event) for _ in range(2))
    assert first is not None and second is None and unread(alice) == 1
    assert told() == [("created", 1, 1)]


def test_one_event_may_notify_two_people(alice, bob, carol, notify):
    event = uuid4()
    assert notify(alice, bob, source_event=event) != notify(carol, bob, source_event=event)


def test_versions_grow_and_counts_are_absolute(alice, bob, carol, notify, told):
    notify(alice, bob)
    notify(alice, carol)
    notify(bob, carol)
    actions.read_up_to(alice)
    assert told() == [("created", 1, 1), ("created", 2, 2), ("created", 1, 1), ("read", 0, 3)]


def test_what_was_undone_is_withdrawn_while_it_is_unread(alice, bob, notify, told):
    kept, other = notify(alice, bob, subject="8"), notify(alice, bob, subject="9")
    told()
    actions.withdraw(Undone(f"likes/9/{bob.pk}"))
    assert told() == [("withdrawn", 1, 3)]
    assert list(Notification.objects.of(alice)) == [kept]
    other.refresh_from_db()
    assert (other.version, other.archived_at is not None, other.is_open) == (2, True, False)


def test_each_of_several_withdrawn_has_a_version_of_its_own_and_the_last_count(alice, bob, notify, told):
    for number in range(3):
        notify(alice, bob, subject=f"{number}", within="feeds/4")
    told()
    actions.withdraw(Undone(within="feeds/4"))
    assert told() == [("withdrawn", 0, 4), ("withdrawn", 0, 5), ("withdrawn", 0, 6)]


def test_what_changes_nothing_takes_no_version(alice, bob, notify, told):
    row = notify(alice, bob)
    actions.change(row, read=False)
    actions.see_up_to(alice, row.pk - 1)
    notify(alice, bob)
    assert [version for _, _, version in told()] == [1, 2]


def test_what_was_read_or_never_told_is_not_withdrawn(alice, bob, carol, notify, told):
    notify(alice, bob, subject="9")
    actions.read_up_to(alice)
    told()
    for cause in (f"likes/9/{bob.pk}", f"likes/9/{carol.pk}", f"likes/7/{bob.pk}"):
        actions.withdraw(Undone(cause))
    assert told() == [] and Notification.objects.of(alice).count() == 1


def test_reading_up_to_one_leaves_the_later_ones_unread_and_is_told_once(alice, bob, notify, told):
    rows = [notify(alice, bob) for _ in range(4)]
    told()
    assert actions.read_up_to(alice, rows[1].pk) == 2
    assert told() == [("read", 2, 5)]
    assert Outbox.objects.latest("id").data["notification"]["id"] == rows[1].pk
    assert [row.read_at is not None for row in Notification.objects.order_by("id")] == [True, True, False, False]
    assert set(Notification.objects.filter(read_at=None).values_list("version", flat=True)) == {1}


def test_reading_all_marks_it_seen_too_and_twice_tells_nothing(alice, bob, notify, told):
    notify(alice, bob)
    assert actions.read_up_to(alice) == 1
    row = Notification.objects.get()
    assert (row.read_at, row.seen_at is not None, row.version) == (row.seen_at, True, 2)
    told()
    assert actions.read_up_to(alice) == 0 and told() == []


def test_seeing_marks_nothing_read(alice, bob, notify, told):
    first, second = notify(alice, bob), notify(alice, bob)
    told()
    assert actions.see_up_to(alice, first.pk) == 1
    assert told() == [("updated", 2, 3)] and unread(alice) == 2
    assert [row.seen_at is not None for row in Notification.objects.order_by("id")] == [True, False]
    assert actions.see_up_to(alice) == 1 and actions.see_up_to(alice) == 0
    assert Outbox.objects.latest("id").data["notification"]["id"] == second.pk


def test_the_inbox_of_another_is_never_touched(alice, bob, mallory, notify):
    row = notify(alice, bob)
    assert actions.read_up_to(mallory, row.pk) == 0 and actions.see_up_to(mallory) == 0
    row.refresh_from_db()
    assert (row.read_at, row.seen_at, row.version) == (None, None, 1)


def test_one_is_read_and_unread_again(alice, bob, notify, told):
    row = notify(alice, bob)
    told()
    read = actions.change(row, read=True)
    assert (read.read_at is not None, read.seen_at is not None, read.version) == (True, True, 2)
    unread_again = actions.change(row, read=False)
    assert (unread_again.read_at, unread_again.seen_at, unread_again.version) == (None, read.seen_at, 3)
    assert told() == [("read", 0, 2), ("updated", 1, 3)]


def test_one_is_put_away_and_taken_back(alice, bob, notify, told):
    row = notify(alice, bob)
    told()
    assert actions.change(row, archived=True).archived_at is not None
    assert not Notification.objects.of(alice).exists()
    assert actions.change(row, archived=False).archived_at is None
    assert told() == [("updated", 0, 2), ("updated", 1, 3)]


@pytest.mark.parametrize("change", [{"read": False}, {"archived": False}, {"read": False, "archived": False}, {}])
def test_what_is_so_already_is_neither_told_nor_changed(alice, bob, notify, told, change):
    row = notify(alice, bob)
    told()
    assert as_read(actions.change(row, **change)) == as_read(row)
    assert told() == []
    row.refresh_from_db()
    assert (row.version, row.seen_at) == (1, None)


def test_a_change_that_is_rolled_back_is_not_told(alice, bob, notify, told):
    with transaction.atomic():
        notify(alice, bob)
        transaction.set_rollback(True)
    assert told() == [] and not Inbox.objects.exists()


def at_once(works):
    errors, barrier = [], threading.Barrier(len(works))

    def run(work):
        try:
            barrier.wait(10)
            work()
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_about_other_things_are_counted_exactly_and_in_the_order_of_their_versions(
    alice, bob, notify, told
):
    at_once([lambda: notify(alice, bob)] * 8)
    assert told() == [("created", number, number) for number in range(1, 9)]


@pytest.mark.django_db(transaction=True)
def test_one_event_taken_by_eight_at_once_notifies_once(alice, bob, notify, told):
    event = uuid4()
    at_once([lambda: notify(alice, bob, source_event=event)] * 8)
    assert Notification.objects.count() == 1
    assert [kind for kind, _, _ in told()] == ["created"]


@pytest.mark.django_db(transaction=True)
def test_who_reads_while_others_notify_and_withdraw_gets_counts_that_add_up(alice, bob, carol, notify, told):
    for _ in range(3):
        notify(alice, carol, subject="9")
    told()
    works = [lambda: notify(alice, bob)] * 4
    at_once([*works, lambda: actions.read_up_to(alice), lambda: actions.withdraw(Undone(f"likes/9/{carol.pk}"))])
    events = told()
    versions = [version for _, _, version in events]
    assert versions == sorted(set(versions))
    assert events[-1][1] == unread(alice)


def test_what_is_snoozed_is_away_until_it_comes_back(alice, bob, notify, told):
    row, later = notify(alice, bob), timezone.now() + timedelta(hours=1)
    told()
    assert actions.change(row, snoozed_until=later).snoozed_until == later
    assert not Notification.objects.of(alice).exists()
    assert actions.change(row, snoozed_until=None).snoozed_until is None
    assert told() == [("updated", 0, 2), ("updated", 1, 3)]


def test_a_thread_is_muted_once_and_heard_again(alice):
    assert actions.mute_thread(alice, "entry", "9") == actions.mute_thread(alice, "entry", "9")
    actions.unmute_thread(alice, "entry", "9")
    assert not ThreadMute.objects.exists()
