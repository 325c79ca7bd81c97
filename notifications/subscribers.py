"""The inboxes follow the log."""

from collections.abc import Sequence
from itertools import groupby

from events.models import Event
from events.subscribers import subscriber
from notifications import inboxes, kinds


@subscriber("notifications", types=[*kinds.NOTIFIES, *kinds.WITHDRAWS], batch=True)
def keep_inboxes(events: Sequence[Event]) -> None:
    """Tell whom the events concern, or withdraw what they undo: what stands together in the log, at once."""
    for tells, some in groupby(events, lambda event: event.type in kinds.NOTIFIES):
        if tells:
            inboxes.tell([(notice, event.event_id) for event in some for notice in _notices(event)])
        else:
            for event in some:
                inboxes.withdraw(kinds.WITHDRAWS[event.type](event.data))


def _notices(event: Event):
    return kinds.NOTIFIES[event.type](event.data, event.topic)
