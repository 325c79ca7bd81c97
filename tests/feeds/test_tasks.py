from django.conf import settings

from feeds import materialisation, tasks
from feeds.models import EntryCounts, Fanout, TimelineEntry


def test_the_tasks_push_trim_and_reconcile(publish, bob):
    materialisation.welcome(bob.pk)
    publish()
    Fanout.objects.update(position=1)
    assert tasks.fan_out() == 1 and TimelineEntry.objects.exists()
    assert tasks.trim_timelines() == 0
    EntryCounts.objects.create(entry=publish(), like_count=3)
    assert (tasks.reconcile_counts(), tasks.reconcile_counts()) == (1, 0)


def test_beat_knows_them():
    known = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    named = {f"feeds.tasks.{name}" for name in ("fan_out", "trim_timelines", "reconcile_counts")}
    assert named <= known
