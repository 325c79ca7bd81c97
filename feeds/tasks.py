"""Celery tasks of `feeds`."""

from celery import shared_task

from events import wake
from feeds import drift, fanout, materialisation

FAN_OUT = "feeds.tasks.fan_out"


@shared_task
def fan_out() -> int:
    """Push what is to be pushed into timelines; return to how many readers."""
    wake.clear(FAN_OUT)
    return fanout.run()


@shared_task
def trim_timelines() -> int:
    """Shorten the timelines that have grown too long, and push feeds again that have grown small."""
    materialisation.push_again()
    return materialisation.trim()


@shared_task
def reconcile_counts() -> int:
    """Compare the counts with the rows counted, and repair those that drifted; return how many did."""
    return drift.repair()
