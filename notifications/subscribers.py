"""The inboxes follow the log."""

from collections.abc import Sequence
from itertools import groupby

from django.db import transaction

from events import wake
from events.models import Event
from events.subscribers import subscriber
from notifications import broadcasts, inboxes, kinds

# By name: tasks stand above what they run.
SEND = "notifications.tasks.send_broadcasts"


@subscriber("notifications", types=[*kinds.NOTIFIES, *kinds.WITHDRAWS], batch=True)
def keep_inboxes(events: Sequence[Event]) -> None:
    """Tell whom the events concern, or withdraw what they undo: what stands together in the log, at once."""
    for tells, some in groupby(events, lambda event: event.type in kinds.NOTIFIES):
        if tells:
            inboxes.tell([(notice, event.event_id) for event in some for notice in _notices(event)])
        else:
            for event in some:
                undone = kinds.WITHDRAWS[event.type](event.data, event.topic)
                broadcasts.stop(undone)
                inboxes.withdraw(undone)


@subscriber("notifications-statuses", types=["feeds.entry.published"])
def announce_statuses(event: Event) -> None:
    """Let those who asked for it be told of a new status, however many they are."""
    if (found := kinds.status(event.data, event.topic)) is not None:
        broadcasts.spread(*found, event.event_id)
        transaction.on_commit(lambda: wake.task(SEND), robust=True)


def _notices(event: Event):
    return kinds.NOTIFIES[event.type](event.data, event.topic)
