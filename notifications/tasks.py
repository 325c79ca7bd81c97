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
    return retention.prune_decisions()


@shared_task
def prune_notifications() -> int:
    """Forget notifications that are past retention."""
    return retention.prune_notifications()


@shared_task
def wake_senders() -> None:
    """Wake a sender for each channel by which something is due."""
    schedule.wake_senders()


@shared_task
def send_due(channel: str) -> int:
    """Send the messages that are due by one channel."""
    wake.clear(schedule.SEND, channel)
    return sender.run(channel)


@shared_task
def send_broadcasts() -> int:
    """Tell the audiences of what is due."""
    wake.clear("notifications.tasks.send_broadcasts")
    return broadcasts.run()
