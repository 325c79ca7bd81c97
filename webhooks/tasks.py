"""Celery tasks of `webhooks`."""

from celery import shared_task

from events import wake
from webhooks import keys, replays, retention, schedule, sender


@shared_task
def send_due_deliveries() -> int:
    """Send what is due, and come back when the next is; unless another sender does."""
    wake.clear(schedule.SEND)
    sent = sender.run()
    if sent is not None and (delay := sender.next_due_seconds()) is not None:
        schedule.wake_sender(delay)
    return sent or 0


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
