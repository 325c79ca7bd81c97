"""Waiting for the next event: what a long poll does between two looks at the log."""

import asyncio
from collections.abc import Collection

from events.catalogue import matches
from events.cursor import Cursor
from events.encoding import Envelope
from events.live.hub import current_hub


class Waiter:
    """Waits for one event on some topics."""

    def __init__(self, topics: Collection[str], types: Collection[str]) -> None:
        self.topics = frozenset(topics)
        self._types = frozenset(types)
        self._happened = asyncio.Event()

    def offer(self, event: Envelope) -> None:
        """Take notice when the event is of a wanted type."""
        if not self._types or matches(event.type, self._types):
            self._happened.set()

    def fall_behind(self, position: int, reset: str = "") -> None:
        """Look at the log: something was skipped."""
        self._happened.set()

    async def wait(self, seconds: float) -> None:
        """Return when something has happened, or after so many seconds."""
        try:
            await asyncio.wait_for(self._happened.wait(), seconds)
        except TimeoutError:
            return


async def wait_for_event(topics: Collection[str], types: Collection[str], after: Cursor, seconds: float) -> None:
    """Return as soon as the log may hold an event after the cursor, at the latest after so many seconds."""
    hub = await current_hub()
    waiter = Waiter(topics, types)
    if hub.refuses(after) == "epoch" or (hub.position > after.position and not hub.ring.covers(after.position)):
        return
    for event in hub.ring.after(after.position):
        if event.topic in waiter.topics:
            waiter.offer(event)
    hub.add(waiter)
    try:
        await waiter.wait(seconds)
    finally:
        hub.discard(waiter)
