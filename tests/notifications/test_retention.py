from datetime import timedelta

from django.db import connection
from django.utils import timezone

from events import catalogue
from events.models import Outbox
from notifications import actions, retention
from notifications.models import Decision, Happening, Inbox, Notification


def test_old_decisions_are_forgotten_and_no_others(alice, bob, notify, monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 1)
    for _ in range(3):
        notify(alice, bob)
    old = Decision.objects.order_by("id")[:2]
    Decision.objects.filter(pk__in=[row.pk for row in old]).update(at=timezone.now() - timedelta(days=31))
    count = Decision.objects.count()
    assert retention.prune_decisions() == 2 and Decision.objects.count() == count - 2


def aged(*rows, days=181):
    pks = [row.pk for row in rows]
    Notification.objects.filter(pk__in=pks).update(changed_at=timezone.now() - timedelta(days=days))


def test_old_notifications_are_forgotten_with_what_they_were_made_of_and_lists_are_told(
    alice, bob, carol, notify, monkeypatch
):
    monkeypatch.setattr(retention, "NOTIFICATIONS_CHUNK", 1)
    rows = [notify(alice, bob), notify(carol, bob), notify(alice, bob), notify(alice, bob), notify(alice, bob)]
    actions.change(rows[1], read=True)
    actions.change(rows[2], archived=True)
    aged(*rows[:3])
    aged(rows[3], days=179)
    seen = Outbox.objects.latest("id").pk
    assert retention.prune_notifications() == 3 and retention.prune_notifications() == 0
    assert set(Notification.objects.values_list("pk", flat=True)) == {rows[3].pk, rows[4].pk}
    assert Happening.objects.count() == 2
    told = Outbox.objects.filter(pk__gt=seen).order_by("pk")
    assert sorted((row.type.rpartition(".")[2], row.topic, row.data["unread_count"]) for row in told) == sorted(
        [("withdrawn", f"users.{alice.pk}", 2), ("withdrawn", f"users.{carol.pk}", 0)]
    )
    for row in told:
        catalogue.find_event_type(row.type).validate(row.data)
    [of_alice] = [row for row in told if row.topic == f"users.{alice.pk}"]
    assert of_alice.data["version"] == Inbox.objects.get(pk=alice.pk).version


def test_what_is_snoozed_or_grew_lately_is_not_forgotten(alice, bob, carol, notify):
    snoozed, grown = notify(alice, bob), notify(alice, bob, subject="9")
    actions.change(snoozed, snoozed_until=timezone.now() + timedelta(days=400))
    aged(snoozed, grown)
    notify(alice, carol, subject="9")
    assert retention.prune_notifications() == 0 and Notification.objects.count() == 2


def test_what_is_to_be_forgotten_is_found_by_an_index(alice):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    old = Notification.objects.filter(changed_at__lt=timezone.now(), snoozed_until=None).order_by("changed_at")
    assert "notifications_changed_at" in old.explain()
