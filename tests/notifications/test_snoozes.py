from datetime import timedelta

from django.utils import timezone

from events.models import Outbox
from notifications import actions, snoozes
from notifications.models import Notification


def test_what_is_due_comes_back_and_is_told_and_the_rest_stays_away(alice, bob, notify):
    due, later = notify(alice, bob), notify(alice, bob)
    actions.change(due, snoozed_until=timezone.now() - timedelta(seconds=1))
    actions.change(later, snoozed_until=timezone.now() + timedelta(hours=1))
    assert snoozes.bring_back() == 1 and snoozes.bring_back() == 0
    assert list(Notification.objects.of(alice)) == [due]
    event = Outbox.objects.latest("id")
    assert (event.type, event.data["unread_count"]) == ("notifications.notification.updated", 1)
    assert (event.data["notification"]["id"], event.data["notification"]["seen_at"]) == (due.pk, None)
    assert event.data["notification"]["snoozed_until"] is None


def test_more_than_a_chunk_comes_back_at_once(alice, bob, notify, monkeypatch):
    monkeypatch.setattr(snoozes, "CHUNK", 2)
    for _ in range(5):
        actions.change(notify(alice, bob), snoozed_until=timezone.now() - timedelta(seconds=1))
    assert snoozes.bring_back() == 5 and Notification.objects.of(alice).count() == 5
