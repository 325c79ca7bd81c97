"""Celery tasks of `access`."""

from celery import shared_task

from access import idempotency, tickets


@shared_task
def forget_idempotency_keys() -> int:
    """Forget answers that are no longer promised to be repeated."""
    return idempotency.forget()


@shared_task
def forget_tickets() -> int:
    """Forget tickets that nobody used in time."""
    return tickets.forget()
