from uuid import uuid4

import pytest

from notifications import actions
from notifications.models import Decision, Notification


@pytest.fixture
def storm(settings):
    settings.TIDEWIRE_NOTIFICATIONS_STORM = (6, 30)


def test_what_is_too_much_at_once_becomes_one_and_says_so(storm, alice, bob, notify):
    rows = [notify(alice, bob) for _ in range(9)]
    assert len({row.pk for row in rows}) == 7
    last = Notification.objects.get(pk=rows[-1].pk)
    assert (last.kind, last.event_count, last.text) == ("notice", 3, "3 more things happened at once")
    assert Decision.objects.filter(reason="storm").count() == 3


def test_a_storm_is_one_persons_and_takes_in_neither_what_is_critical_nor_what_joins_a_group(
    storm, alice, bob, carol, notify
):
    first, *_ = [notify(alice, bob) for _ in range(6)]
    assert notify(alice, carol, subject=first.subject_id).pk == first.pk
    assert notify(alice, None, kind="notice", details={"text": "Hello"}).text == "Hello"
    assert notify(bob, carol).kind == "like"


def test_a_storm_is_counted_over_three_minutes_too(storm, settings, alice, bob, notify):
    settings.TIDEWIRE_NOTIFICATIONS_STORM = (100, 3)
    assert [notify(alice, bob).kind for _ in range(5)] == ["like"] * 3 + ["notice"] * 2


def test_what_was_in_a_storm_can_be_withdrawn(storm, settings, alice, bob, notify):
    settings.TIDEWIRE_NOTIFICATIONS_STORM = (0, 0)
    row = notify(alice, bob, subject="9")
    actions.withdraw(actions.Undone(f"likes/9/{bob.pk}"))
    row.refresh_from_db()
    assert row.archived_at is not None


def test_what_is_told_once_is_not_told_again_by_another_event(alice, bob, notify):
    assert notify(alice, bob, kind="mention", subject="9", is_once=True) is not None
    assert notify(alice, bob, kind="mention", subject="9", is_once=True) is None
    assert Notification.objects.get().event_count == 1


def test_each_event_leaves_its_decision(alice, bob, carol, notify):
    event = uuid4()
    row = notify(alice, bob, subject="9", source_event=event)
    notify(alice, carol, subject="9")
    rows = Decision.objects.filter(notification=row, channel="in_app").order_by("id")
    assert [(each.outcome, each.source_event == event) for each in rows] == [("sent", True), ("grouped", False)]
