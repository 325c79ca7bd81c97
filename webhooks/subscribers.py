"""The endpoints follow the log."""

from collections.abc import Sequence

from django.db import transaction

from events.models import Event
from events.subscribers import subscriber
from webhooks import schedule
from webhooks.fanout import fan_out
from webhooks.history import SUBSCRIBER


@subscriber(SUBSCRIBER, types=["*"], batch=True)
def deliver_to_endpoints(events: Sequence[Event]) -> None:
    """Make the events' deliveries, and wake the sender once they are committed."""
    if fan_out(events):
        transaction.on_commit(schedule.wake_sender, robust=True)
