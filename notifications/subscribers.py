"""The inboxes follow the log."""

from events.models import Event
from events.subscribers import subscriber
from notifications import actions, kinds


@subscriber("notifications", types=[*kinds.NOTIFIES, *kinds.WITHDRAWS])
def keep_inboxes(event: Event) -> None:
    """Tell whom the event concerns, or withdraw what it undoes."""
    if event.type in kinds.NOTIFIES:
        actions.notify(kinds.NOTIFIES[event.type](event.data), source_event=event.event_id)
    else:
        actions.withdraw(kinds.WITHDRAWS[event.type](event.data))
