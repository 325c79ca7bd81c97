"""Celery tasks of `webhooks`."""

from celery import shared_task

from events import wake
from webhooks import keys, replays, retention, schedule, sender


@shared_task
def send_due_deliveries() -> int:
    """Send what is due, unless a resident sender does; beat looks every second for what is due then."""
    if wake.resident_lives(schedule.RESIDENT):
        return 0
    wake.clear(schedule.SEND)
    return sender.run() or 0


@shared_task
def prune_deliveries() -> int:
    """Forget finished deliveries that are past retention."""
    return retention.prune()


@shared_task
def run_replays() -> int:
    """Go on with the replays that are running, whoever began them."""
    wake.clear(schedule.REPLAY)
    return replays.run()


@shared_task
def forget_retired_keys() -> int:
    """Forget the keys of rotations that sign no more."""
    return keys.forget_retired()
