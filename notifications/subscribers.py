"""The inboxes follow the log."""

from events.models import Event
from events.subscribers import subscriber
from notifications import actions, kinds


@subscriber("notifications", types=[*kinds.NOTIFIES, *kinds.TELLS_OWNER, *kinds.WITHDRAWS])
def keep_inboxes(event: Event) -> None:
    """Tell whom the event concerns, or withdraw what it undoes."""
    if notice := kinds.notice_of(event.type, event.topic, event.data):
        actions.notify(notice, source_event=event.event_id)
    else:
        actions.withdraw(kinds.WITHDRAWS[event.type](event.data))
