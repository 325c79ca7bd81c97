from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from access.models import User
from notifications.models import Decision, Dispatch, Habit, Pending
from notifications.schedule import quiet_until

NIGHT = {"quiet_from": time(22), "quiet_to": time(7)}


def until(now, zone="Europe/Berlin", **hours):
    found = quiet_until(
        User(time_zone=zone), Habit(**(hours or NIGHT)), datetime.fromisoformat(now).replace(tzinfo=UTC)
    )
    return found and found.astimezone(UTC).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-07-01T20:30", "07-02 05:00"),  # 22:30 in summer, until 07:00
        ("2026-07-01T03:00", "07-01 05:00"),  # 05:00, after midnight
        ("2026-07-01T05:00", None),  # 07:00: over
        ("2026-07-01T12:00", None),
        ("2026-12-01T20:30", None),  # 21:30 in winter
        ("2026-12-01T21:00", "12-02 06:00"),
        ("2026-03-28T22:00", "03-29 05:00"),  # the night in which clocks go forward is an hour shorter
        ("2026-10-24T21:00", "10-25 06:00"),  # and the one in which they go back an hour longer
    ],
)
def test_quiet_hours_go_by_the_users_own_clock(now, end):
    assert until(now) == end


def test_quiet_hours_of_a_part_of_the_day():
    noon = {"quiet_from": time(12), "quiet_to": time(13, 30)}
    assert until("2026-07-01T12:15", "UTC", **noon) == "07-01 13:30"
    assert until("2026-07-01T13:30", "UTC", **noon) is None
    assert until("2026-07-01T12:15", "UTC", quiet_from=None, quiet_to=None) is None


def test_an_end_that_is_there_twice_or_never_is_still_to_come():
    early = {"quiet_from": time(1), "quiet_to": time(2, 30)}
    # 02:15 for the second time; 02:30 came once already.
    assert until("2026-10-25T01:15", **early) == "10-25 01:30"
    # 01:30; 02:30 is left out this night.
    assert until("2026-03-29T00:30", **early) == "03-29 01:30"


@pytest.fixture
def reachable(settings, alice):
    settings.TIDEWIRE_EMAIL_HOST = "localhost"
    alice.email = "alice@example.com"
    alice.save()
    return alice


def decided(user, channel="email"):
    rows = Decision.objects.filter(recipient=user, channel=channel).order_by("id")
    return list(rows.values_list("outcome", "reason"))


def test_what_is_new_waits_a_little_and_what_follows_joins_it(reachable, bob, carol, notify):
    for who in (bob, carol):
        notify(reachable, who, kind="comment", subject="9")
    notify(reachable, bob, kind="comment")
    row = Dispatch.objects.get()
    assert timedelta(0) < row.due_at - timezone.now() <= timedelta(seconds=120)
    assert Pending.objects.count() == 2
    assert decided(reachable) == [("held", "delay")] * 3


def test_who_was_told_lately_waits_for_the_end_of_the_window(reachable, bob, notify):
    Habit.objects.create(user=reachable, email_digest_minutes=30)
    sent = timezone.now() - timedelta(minutes=10)
    Dispatch.objects.create(recipient=reachable, channel="email", last_sent_at=sent)
    notify(reachable, bob, kind="comment")
    assert Dispatch.objects.get().due_at == sent + timedelta(minutes=30)
    assert decided(reachable) == [("held", "digest")]


def test_who_has_no_address_is_not_waited_for_and_a_channel_that_is_off_decides_nothing(reachable, bob, carol, notify):
    notify(bob, carol, kind="comment")
    assert decided(bob) == [("dropped", "no_address")] and decided(bob, "web_push") == []
    assert not Dispatch.objects.exists()


def test_what_is_off_is_not_planned(reachable, bob, notify):
    notify(reachable, bob, kind="like")
    assert not Dispatch.objects.exists() and decided(reachable) == [("dropped", "preference")]
