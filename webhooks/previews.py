"""Previews: what an endpoint would have got lately, counted over the newest part of the log."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from events import log
from events.models import Event
from webhooks import history
from webhooks.listeners import Listener

WINDOW = log.PAGE_LIMIT
NEWEST = 10


@dataclass
class Preview:
    """How many events, of which types, since when; the newest of them; how many were looked at, and if that was all."""

    since: datetime
    count: int = 0
    per_type: Counter[str] = field(default_factory=Counter)
    events: list[Event] = field(default_factory=list)
    scanned: int = 0
    is_complete: bool = True

    def take(self, found: Sequence[Event], scanned: int) -> None:
        """Count what was found in a window; only the newest are kept."""
        self.count += len(found)
        self.scanned += scanned
        self.per_type.update(event.type for event in found)
        self.events += found[::-1][: NEWEST - len(self.events)]


def preview(listener: Listener, since: datetime) -> Preview:
    """Look back from the head to a moment, at most as far as the log goes."""
    head = log.head()
    begins = min(head.position, max(head.pruned, log.position_before(since)))
    found, low, ends = Preview(since), head.position, time.monotonic() + history.SECONDS_MAX
    for low, read in _windows(listener, begins, head.position):
        found.take(history.wanted(listener, read.events), len(read.events))
        if low > begins and (found.scanned >= history.EVENTS_MAX or time.monotonic() > ends):
            found.is_complete = False
            break
    if low > begins or begins == head.pruned:
        found.since = max(since, _logged_behind(low) or since)
    return found


def _windows(listener: Listener, begins: int, high: int) -> Iterator[tuple[int, log.Page]]:
    """Read windows of the log, the newest first, each with the position behind which it begins."""
    width = WINDOW
    while high > begins:
        low = max(begins, high - width)
        read = history.page(listener, after=low, upto=high)
        if read.position < high:
            # More than a page: what counts first, the newest, is at its other end.
            width = max(1, width // 4)
            continue
        yield low, read
        # An endpoint that names its topics is shown those alone, and they may be far apart.
        high, width = low, width * 4 if len(read.events) < width // 4 else width


def _logged_behind(position: int) -> datetime | None:
    """Return when the event behind a position was logged."""
    rows = Event.objects.filter(position__gt=position).order_by("position")
    return rows.values_list("logged_at", flat=True).first()
