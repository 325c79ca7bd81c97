from datetime import timedelta

from django.utils import timezone

from notifications import retention
from notifications.models import Decision


def test_old_decisions_are_forgotten_and_no_others(alice, bob, notify, monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 1)
    for _ in range(3):
        notify(alice, bob)
    old = Decision.objects.order_by("id")[:2]
    Decision.objects.filter(pk__in=[row.pk for row in old]).update(at=timezone.now() - timedelta(days=31))
    count = Decision.objects.count()
    assert retention.prune() == 2 and Decision.objects.count() == count - 2
