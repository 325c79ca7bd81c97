"""Celery tasks of `notifications`."""

from celery import shared_task

from notifications import retention, snoozes


@shared_task
def bring_back_snoozed() -> int:
    """Bring back the notifications whose time has come."""
    return snoozes.bring_back()


@shared_task
def prune_decisions() -> int:
    """Forget decisions that are past retention."""
    return retention.prune()
