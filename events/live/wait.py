"""Waiting for the next event: what a long poll does between two looks at the log."""

import asyncio
import random
from collections.abc import Collection

from events.cursor import Cursor
from events.live.batch import Batch, Notice
from events.live.hub import Hub, current_hub


class Waiter:
    """Waits until something has happened on some topics, or with the rights to them."""

    def __init__(self) -> None:
        self._happened = asyncio.Event()

    def take(self, batch: Batch) -> None:
        """Something has happened."""
        self._happened.set()

    def notice(self, notice: Notice) -> None:
        """Pass over what is not in the log."""

    def fall_behind(self, position: int, reset: str = "") -> None:
        """Look at the log: something was skipped."""
        self._happened.set()

    def ask_again(self) -> None:
        """Look at the log as one who may read less, or more."""
        self._happened.set()

    async def wait(self, seconds: float) -> None:
        """Return when something has happened, or after so many seconds."""
        try:
            await asyncio.wait_for(self._happened.wait(), seconds)
        except TimeoutError:
            return


async def wait_for_event(
    topics: Collection[str], types: Collection[str], after: Cursor, seconds: float, own_topic: str = ""
) -> None:
    """Return as soon as the log may hold an event after the cursor, at the latest after so many seconds."""
    hub = await current_hub()
    if hub.refuses(after) == "epoch" or (hub.position > after.position and not hub.ring.covers(after.position)):
        return
    selection = hub.index.selection(topics, types)
    if any(selection.holds(event) for event in hub.ring.between(after.position, hub.position)):
        return
    waiter = Waiter()
    selection.readers.add(waiter)
    selection.join(waiter, hub.position)
    hub.index.own(own_topic, waiter)
    try:
        await waiter.wait(min(seconds, max(0.0, hub.ends_at - asyncio.get_running_loop().time())))
    finally:
        selection.leave(waiter)
        selection.readers.discard(waiter)
        hub.index.disown(own_topic, waiter)


def dismiss_waiters(hub: Hub, seconds: float) -> None:
    """Let all who wait go on, spread over so many seconds, and nobody wait for longer: the process ends then."""
    loop = asyncio.get_running_loop()
    hub.ends_at = loop.time() + seconds
    for reader in hub.index.readers():
        if isinstance(reader, Waiter):
            loop.call_later(random.uniform(0, seconds), reader.ask_again)
