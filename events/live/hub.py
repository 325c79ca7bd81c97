"""The hub: one per web process. It follows the log, keeps the recent part in memory and offers it to subscriptions.

Positions are dense, so the hub knows that it is complete: it goes on only when the next event is the one after its
head, and reads the log for whatever it was not told.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.conf import settings

from events import channel, log, relay, subscribers
from events.cursor import Cursor
from events.encoding import Envelope
from events.live.ring import Ring

logger = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
# An event that waits longer in the outbox has no worker to relay it; then this process does.
OUTBOX_PATIENCE_SECONDS = 2.0
PAGE = 500
# Farther behind than this the hub does not read up; each subscription reads its own part of the log.
JUMP = 5000
RETRY_SECONDS = 1.0


async def ask(question: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a function that uses the database in a thread, without holding its connection afterwards."""
    return await database_sync_to_async(question, thread_sensitive=False)(*args, **kwargs)


class Reader(Protocol):
    """What the hub offers events to."""

    topics: frozenset[str]

    def offer(self, event: Envelope) -> None:
        """Take notice of the next event on one of its topics; must not block."""

    def fall_behind(self, position: int, reset: str = "") -> None:
        """Read the log from here on: what came after the position was skipped, or the log is another one (`reset`)."""


class Hub:
    """What this process knows of the log, and who in it wants to know."""

    def __init__(self) -> None:
        self.epoch = ""
        self.position = 0
        self.ring = Ring(0, settings.TIDEWIRE_RING_BYTES)
        self._readers: defaultdict[str, set[Reader]] = defaultdict(set)
        self._advancing = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin at the head of the log and follow it until stopped."""
        await ask(relay.ensure_epoch)
        head = await ask(log.head)
        self._restart_at(head)
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]

    async def stop(self) -> None:
        """End following the log."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    @property
    def cursor(self) -> Cursor:
        """Return the cursor of all that this process has seen."""
        return Cursor(self.epoch, self.position)

    def refuses(self, cursor: Cursor) -> str | None:
        """Return `epoch` or `ahead` when a reader cannot go on from the cursor; what was pruned only the log knows."""
        return log.Head(self.epoch, self.position, pruned=0).refuses(cursor)

    def add(self, reader: Reader) -> None:
        """Offer the reader, from the next event on, what happens on its topics."""
        for topic in reader.topics:
            self._readers[topic].add(reader)

    def discard(self, reader: Reader) -> None:
        """Offer the reader nothing more."""
        for topic in reader.topics:
            readers = self._readers.get(topic)
            if readers is not None:
                readers.discard(reader)
                if not readers:
                    del self._readers[topic]

    async def refresh(self) -> None:
        """Compare with the log's head and read what is missing."""
        async with self._advancing:
            head = await ask(log.head)
            if head.epoch != self.epoch or head.position < self.position:
                self._restart_at(head, reset="epoch")
            elif head.position - self.position > JUMP:
                self._restart_at(head)
            while self.position < head.position:
                page = await ask(log.encoded_page, None, after=self.position, upto=head.position, limit=PAGE)
                if not page.events:
                    self._restart_at(head)
                self._advance(page.events)

    def _restart_at(self, head: log.Head, reset: str = "") -> None:
        before, self.epoch, self.position = self.position, head.epoch, head.position
        self.ring.clear(head.position)
        for reader in set().union(*self._readers.values()):
            reader.fall_behind(before, reset)

    def _advance(self, events: Iterable[Envelope]) -> None:
        for event in events:
            self.ring.append(event)
            self.position = event.position
            for reader in self._readers.get(event.topic, ()):
                reader.offer(event)

    async def _listen(self) -> None:
        while True:
            try:
                async for message in channel.messages():
                    await self._told(message)
            except Exception as error:  # noqa: BLE001  the hub outlives the channel layer
                logger.warning("The channel layer failed (%r); the log is read instead.", error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _told(self, message: dict[str, Any]) -> None:
        first, last, events = message["first"], message["last"], message["events"]
        async with self._advancing:
            if message["epoch"] == self.epoch and last <= self.position:
                return
            if message["epoch"] == self.epoch and first <= self.position + 1 and events:
                self._advance(Envelope(*event) for event in events[self.position + 1 - first :])
                return
        await self.refresh()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                if await ask(log.oldest_waiting_seconds) > OUTBOX_PATIENCE_SECONDS and await ask(relay.run):
                    subscribers.wake_all()
                await self.refresh()
            except Exception as error:  # noqa: BLE001  the hub outlives the database
                logger.warning("The log could not be read (%r); trying again.", error)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[Hub]] = WeakKeyDictionary()


async def _started() -> Hub:
    hub = Hub()
    await hub.start()
    return hub


async def current_hub() -> Hub:
    """Return the hub of this process (of this event loop), starting it at the first call."""
    loop = asyncio.get_running_loop()
    task = _hubs.get(loop)
    if task is None or (task.done() and task.exception()):
        task = _hubs[loop] = asyncio.create_task(_started())
    return await asyncio.shield(task)


async def stop_hub() -> None:
    """Stop the hub of this event loop, if there is one."""
    task = _hubs.pop(asyncio.get_running_loop(), None)
    if task is not None and task.done() and not task.exception():
        await task.result().stop()
