import random
import threading
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Count, Sum

from access.models import User
from feeds.models import Feed, Follow
from notifications import actions, inboxes
from notifications.kinds import Undone
from notifications.models import Happening, Notification, Participant


def shown(row):
    row.refresh_from_db()
    return row.actor_count, row.event_count, [each["username"] for each in row.people], row.text


def test_people_are_counted_not_what_they_did(alice, bob, carol, notify):
    row = notify(alice, bob, subject="9")
    notify(alice, bob, subject="9")
    assert shown(row) == (1, 2, ["bob"], "bob liked your entry")
    notify(alice, carol, subject="9")
    assert shown(row) == (2, 3, ["carol", "bob"], "carol and bob liked your entry")
    assert Notification.objects.count() == 1


def test_three_are_named_and_the_others_are_a_number(alice, notify):
    people = [User.objects.create_user(username=f"p{number}") for number in range(5)]
    rows = {notify(alice, each, subject="9") for each in people}
    (row,) = rows
    assert shown(row) == (5, 5, ["p4", "p3", "p2"], "p4 and 4 others liked your entry")


def test_other_kinds_and_subjects_and_people_have_groups_of_their_own(alice, bob, carol, notify):
    rows = [notify(alice, carol), notify(alice, carol), notify(bob, carol)]
    rows.append(notify(alice, carol, kind="comment", subject=rows[0].subject_id))
    assert len({row.pk for row in rows}) == 4


@pytest.mark.parametrize("change", [{"read": True}, {"archived": True}])
def test_what_was_read_or_put_away_is_closed_and_never_turns_unread(alice, bob, carol, notify, change):
    first = actions.change(notify(alice, bob, subject="9"), **change)
    second = notify(alice, carol, subject="9")
    assert second.pk != first.pk and second.actor_count == 1
    actions.change(first, **dict.fromkeys(change, False))
    assert notify(alice, bob, subject="9").pk == second.pk


def test_reading_all_closes_every_group(alice, bob, carol, notify):
    first = notify(alice, bob, subject="9")
    actions.read_up_to(alice)
    assert notify(alice, carol, subject="9").pk != first.pk


def test_after_its_window_a_group_takes_no_more(alice, bob, carol, notify):
    first = notify(alice, bob, subject="9")
    Notification.objects.update(created_at=first.created_at - inboxes.grouping.WINDOW)
    assert notify(alice, carol, subject="9").pk != first.pk


def test_a_group_that_grows_is_unseen_again(alice, bob, carol, notify):
    row = notify(alice, bob, subject="9")
    actions.see_up_to(alice)
    notify(alice, carol, subject="9")
    row.refresh_from_db()
    assert row.seen_at is None


def test_a_like_taken_back_lowers_and_the_last_one_withdraws(alice, bob, carol, notify, outbox):
    row = notify(alice, bob, subject="9")
    notify(alice, carol, subject="9")
    actions.withdraw(Undone(f"likes/9/{carol.pk}"))
    assert shown(row) == (1, 1, ["bob"], "bob liked your entry")
    actions.withdraw(Undone(f"likes/9/{bob.pk}"))
    row.refresh_from_db()
    assert (row.event_count, row.is_open, row.archived_at is not None) == (0, False, True)
    assert [type.rpartition(".")[2] for type in outbox() if type.startswith("notif")] == [
        *("created", "updated", "updated", "withdrawn")
    ]


def test_one_who_did_two_things_stays_when_one_is_undone(alice, bob, notify):
    row = notify(alice, bob, kind="comment", subject="9", cause="comments/1")
    notify(alice, bob, kind="comment", subject="9", cause="comments/2")
    actions.withdraw(Undone("comments/1"))
    assert shown(row)[:3] == (1, 1, ["bob"])


def leave(user):
    Follow.objects.filter(follower=user).delete()
    Feed.objects.filter(owner=user).delete()
    user.delete()


def test_somebody_who_is_deleted_is_taken_out(alice, bob, carol, notify):
    row = notify(alice, bob, subject="9")
    notify(alice, carol, subject="9")
    leave(carol)
    assert shown(row) == (1, 1, ["bob"], "bob liked your entry")
    leave(bob)
    assert not Notification.objects.of(alice).exists()


def check_that_all_adds_up(recipient, events):
    rows = Notification.objects.filter(recipient=recipient)
    assert rows.aggregate(n=Sum("event_count"))["n"] == Happening.objects.filter(recipient=recipient).count() == events
    for row in rows.annotate(people_n=Count("participants")):
        assert row.actor_count == row.people_n, row.pk
    assert sum(each.event_count for each in Participant.objects.all()) == events
    assert rows.filter(is_open=True).count() <= 1


@pytest.mark.django_db(transaction=True)
def test_thirty_two_writers_are_counted_exactly_while_groups_are_closed(alice, about):
    people = [User.objects.create_user(username=f"p{number}") for number in range(20)]
    writers, each, errors, done = 32, 6, [], threading.Event()

    def write(number):
        dice = random.Random(number)
        for _ in range(each):
            actions.notify(about(alice, dice.choice(people)), source_event=uuid4())

    def close():
        while not done.wait(0.02):
            actions.read_up_to(alice)

    def run(work, *args):
        try:
            work(*args)
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    closer = threading.Thread(target=run, args=[close])
    threads = [threading.Thread(target=run, args=[write, number]) for number in range(writers)]
    for thread in [closer, *threads]:
        thread.start()
    for thread in threads:
        thread.join(60)
    done.set()
    closer.join(10)
    assert errors == []
    check_that_all_adds_up(alice, writers * each)
    assert Notification.objects.count() > 1


@pytest.mark.django_db(transaction=True)
def test_likes_and_unlikes_at_once_end_as_many_as_there_are(alice, about):
    people = [User.objects.create_user(username=f"p{number}") for number in range(8)]
    errors = []

    def toggle(person):
        try:
            for _ in range(4):
                actions.notify(about(alice, person), source_event=uuid4())
                actions.withdraw(Undone(f"likes/9/{person.pk}"))
            actions.notify(about(alice, person), source_event=uuid4())
        except Exception as error:  # noqa: BLE001
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=toggle, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    check_that_all_adds_up(alice, len(people))
    row = Notification.objects.get(is_open=True)
    assert (row.actor_count, row.event_count) == (8, 8)


def test_many_at_once_are_told_in_a_fixed_number_of_statements(alice, bob, carol, about, query_count):
    def tell(count):
        inboxes.tell([(about(who, bob, subject=f"{n}"), uuid4()) for n in range(count) for who in (alice, carol)])

    few = query_count(lambda: tell(2))
    assert query_count(lambda: tell(60)) == few
