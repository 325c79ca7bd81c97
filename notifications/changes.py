"""What is told of an inbox: each change has a version of its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from notifications import signals
from notifications.models import Inbox, Notification


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to one notification, and the version its inbox has by it."""

    # created, updated, withdrawn or read
    verb: str
    row: Notification
    version: int


def tell(inboxes: Mapping[int, Inbox], happened: Iterable[tuple[str, Notification]]) -> None:
    """Tell what happened, in this order; whoever calls holds the inboxes. What is in no inbox is not told."""
    changes = [_change(inboxes[row.recipient_id], verb, row) for verb, row in happened if row.is_listed]
    if changes:
        Inbox.write([inboxes[id] for id in {each.row.recipient_id for each in changes}])
        signals.inboxes_changed.send(Notification, changes=changes)


def _change(inbox: Inbox, verb: str, row: Notification) -> Change:
    inbox.version += 1
    return Change(verb, row, inbox.version)
