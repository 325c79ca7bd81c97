"""The endpoints follow the log."""

from django.db import transaction

from events.models import Event
from events.subscribers import subscriber
from webhooks import schedule
from webhooks.fanout import fan_out


@subscriber("webhooks", types=["*"])
def deliver_to_endpoints(event: Event) -> None:
    """Make the event's deliveries, and wake the sender once they are committed."""
    if fan_out(event):
        transaction.on_commit(schedule.wake_sender, robust=True)
