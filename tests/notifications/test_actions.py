import threading
from uuid import uuid4

import pytest
from django.db import connection, transaction

from events import catalogue
from events.models import Outbox
from notifications import actions, payloads
from notifications.kinds import Notice
from notifications.models import Inbox, Notification


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


def unread(user):
    return Inbox(user_id=user.pk).unread_count


def test_a_notification_is_told_on_the_recipients_topic_with_the_count_and_the_version(alice, bob, notify):
    notification = notify(alice, bob)
    event = Outbox.objects.latest("id")
    assert (event.type, event.topic) == ("notifications.notification.created", f"users.{alice.pk}")
    assert event.subject == f"notifications/{notification.pk}"
    assert event.data == {"notification": payloads.notification(notification), "unread_count": 1, "version": 1}


def test_nobody_is_told_of_what_they_did_themselves(alice, notify, told):
    assert notify(alice, alice) is None
    assert told() == [] and not Notification.objects.exists()


def test_the_same_event_notifies_once(alice, bob, notify, told):
    event = uuid4()
    first, second = (notify(alice, bob, source_event=event) for _ in range(2))
    assert first == second and unread(alice) == 1
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


def notice(recipient, actor, subject="9"):
    return Notice("like", recipient.pk, actor.pk, "entry", subject, "", "")


def test_what_was_undone_is_withdrawn_while_it_is_unread(alice, bob, notify, told):
    kept, other = notify(alice, bob, subject="8"), notify(alice, bob)
    told()
    actions.withdraw(notice(alice, bob))
    assert told() == [("withdrawn", 1, 3)]
    assert list(Notification.objects.of(alice)) == [kept]
    other.refresh_from_db()
    assert (other.version, other.archived_at is not None) == (2, True)


def test_each_of_several_withdrawn_has_a_version_of_its_own(alice, bob, notify, told):
    for _ in range(3):
        notify(alice, bob)
    told()
    actions.withdraw(notice(alice, bob))
    assert told() == [("withdrawn", 2, 4), ("withdrawn", 1, 5), ("withdrawn", 0, 6)]


def test_what_changes_nothing_takes_no_version(alice, bob, notify, told):
    row = notify(alice, bob)
    actions.change(row, read=False)
    actions.see_up_to(alice, row.pk - 1)
    notify(alice, bob)
    assert [version for _, _, version in told()] == [1, 2]


def test_what_was_read_or_never_told_is_not_withdrawn(alice, bob, carol, notify, told):
    notify(alice, bob)
    actions.read_up_to(alice)
    told()
    actions.withdraw(notice(alice, bob))
    actions.withdraw(notice(alice, carol))
    actions.withdraw(notice(alice, bob, subject="7"))
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
    assert payloads.notification(actions.change(row, **change)) == payloads.notification(row)
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
def test_eight_at_once_are_counted_exactly_and_in_the_order_of_their_versions(alice, bob, notify, told):
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
        notify(alice, carol)
    told()
    works = [lambda: notify(alice, bob)] * 4
    at_once([*works, lambda: actions.read_up_to(alice), lambda: actions.withdraw(notice(alice, carol))])
    events = told()
    versions = [version for _, _, version in events]
    assert versions == sorted(set(versions))
    assert events[-1][1] == unread(alice)
