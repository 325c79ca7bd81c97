"""Celery tasks of `notifications`."""

from celery import shared_task

from events import wake
from notifications import broadcasts, retention, schedule, sender, snoozes


@shared_task
def bring_back_snoozed() -> int:
    """Bring back the notifications whose time has come."""
    return snoozes.bring_back()


@shared_task
def prune_decisions() -> int:
    """Forget decisions that are past retention."""
    return retention.prune()


@shared_task
def send_due() -> int:
    """Send the messages that are due."""
    wake.clear(schedule.SEND)
    return sender.run()


@shared_task
def send_broadcasts() -> int:
    """Tell the audiences of what is due."""
    wake.clear("notifications.tasks.send_broadcasts")
    return broadcasts.run()
