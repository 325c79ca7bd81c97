"""The hub: one per web process. It follows the log, keeps the recent part in memory and offers it to its readers.

Positions are dense, so the hub knows that it is complete: it goes on only when the next event is the one after its
head, and reads the log for whatever it was not told.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.conf import settings

from events import channel, log, relay, subscribers
from events.catalogue import changes_rights
from events.cursor import Cursor
from events.encoding import Envelope
from events.live.batch import BATCH_BYTES, Notice
from events.live.dispatch import Dispatch
from events.live.openness import Openness
from events.live.ring import Ring
from events.live.selection import Index, Selection

logger = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
# An event that waits longer in the outbox has no worker to relay it; then this process does.
OUTBOX_PATIENCE_SECONDS = 2.0
PAGE = 500
READER_PAGE = 200
# So many of the latest events are in memory from the start.
REMEMBERED = 5000
# Farther behind than this the hub does not read up; each subscription reads its own part of the log.
JUMP = 5000
RETRY_SECONDS = 1.0


async def ask(question: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a function that uses the database in a thread, without holding its connection afterwards."""
    return await database_sync_to_async(question, thread_sensitive=False)(*args, **kwargs)


class Hub:
    """What this process knows of the log, and who in it wants to know."""

    def __init__(self) -> None:
        self.epoch = ""
        self.position = 0
        self.ring = Ring(0, settings.TIDEWIRE_RING_BYTES)
        self.index = Index()
        # How often rights have changed; who asks for them in a thread sees by it whether to ask again.
        self.rights_version = 0
        # By the loop's clock: nobody waits here longer than until then, for the process ends.
        self.ends_at = math.inf
        self.openness = Openness()
        self._dispatch = Dispatch()
        self._advancing = asyncio.Lock()
        self._pages: dict[tuple[Selection, int], asyncio.Task[log.EncodedPage]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin at the head of the log and follow it until stopped."""
        await ask(relay.ensure_epoch)
        head = await ask(log.head)
        self._restart_at(head)
        await self._remember(head)
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]

    async def _remember(self, head: log.Head) -> None:
        """Fill the ring with what has happened lately: those who come after a crash all ask for that."""
        start = max(head.pruned, head.position - REMEMBERED)
        found: list[Envelope] = []
        while start + len(found) < head.position:
            after = start + len(found)
            page = await ask(log.encoded_page, None, after=after, upto=head.position, limit=PAGE)
            if not page.events or page.events[-1].position != after + len(page.events):
                return  # pruned meanwhile
            found += page.events
        self.ring.clear(start)
        for event in found:
            self.ring.append(event)

    async def page(self, selection: Selection, after: int, upto: int) -> log.EncodedPage:
        """Read a page of the log for a reader; all who read the same at the same time share one query."""
        key = selection, after
        reading = self._pages.get(key)
        if reading is None:
            reading = self._pages[key] = asyncio.create_task(self._read_page(selection, after, upto))
            reading.add_done_callback(lambda done: self._pages.pop(key, None))
        return await asyncio.shield(reading)

    async def _read_page(self, selection: Selection, after: int, upto: int) -> log.EncodedPage:
        bounds = {"after": after, "upto": upto, "limit": READER_PAGE, "max_bytes": BATCH_BYTES}
        return await ask(log.encoded_page, selection.topics, types=selection.types, **bounds)

    async def stop(self) -> None:
        """End following the log."""
        self._dispatch.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    @property
    def cursor(self) -> Cursor:
        """Return the cursor of all that this process has seen."""
        return Cursor(self.epoch, self.position)

    @property
    def sent(self) -> int:
        """Return up to where everything has been handed to those who are live."""
        return self._dispatch.sent

    def refuses(self, cursor: Cursor) -> str | None:
        """Return `epoch` or `ahead` when a reader cannot go on from the cursor; what was pruned only the log knows."""
        return log.Head(self.epoch, self.position, pruned=0).refuses(cursor)

    def entrance(self, selection: Selection) -> int:
        """Return the position that a reader must have reached to join the selection now."""
        return max(selection.since, self.sent) if selection.live else self.position

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
                if page.head.epoch != self.epoch:
                    head = page.head
                    self._restart_at(head, reset="epoch")
                elif not page.events or page.events[-1].position - self.position > len(page.events):
                    # Retention was quicker: those who read on from here are told so by the log.
                    self._restart_at(head)
                else:
                    self._advance(page.events)

    def _restart_at(self, head: log.Head, reset: str = "") -> None:
        self.send_now()
        before, self.epoch, self.position = self.position, head.epoch, head.position
        self._dispatch.restart(self.cursor)
        self.ring.clear(head.position)
        for reader in self.index.readers():
            reader.fall_behind(before, reset)
        # Among what was skipped, or in another log, there may be changes of rights.
        self.openness.clear()
        self._ask_again(self.index.everyone())

    def _advance(self, events: Iterable[Envelope]) -> None:
        for event in events:
            self.ring.append(event)
            self.position = event.position
            for selection in self.index.on(event.topic):
                if selection.wants(event.type):
                    self._dispatch.add(selection, event)
            if changes_rights(event.type):
                # Up to here as before; what comes after it only as it then is right.
                self.send_now()
                self.openness.forget(event.topic)
                self._ask_again(self.index.concerned(event.topic))
        self._dispatch.send_soon(self.cursor)

    def send_now(self) -> None:
        """Hand what is new to those who are live, without waiting for company."""
        self._dispatch.send_now(self.cursor)

    def _ask_again(self, readers: Iterable[Any]) -> None:
        self.rights_version += 1
        for reader in readers:
            reader.ask_again()

    async def _listen(self) -> None:
        while True:
            try:
                async for message in channel.messages():
                    await self._told(message)
            except Exception as error:  # noqa: BLE001  the hub outlives the channel layer
                logger.warning("The channel layer failed (%r); the log is read instead.", error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _told(self, message: dict[str, Any]) -> None:
        if message["type"] == "log.notice":
            self._notice(message["topic"], message["data"])
        elif message["type"] == "log.redacted":
            self._redacted(message)
        else:
            await self._grew(message)

    def _redacted(self, message: dict[str, Any]) -> None:
        if message["epoch"] == self.epoch:
            for event in message["events"]:
                self.ring.replace(Envelope(*event))

    def _notice(self, topic: str, data: dict[str, Any]) -> None:
        readers = {reader for selection in self.index.on(topic) for reader in selection.live}
        notice = Notice(topic, data)
        for reader in readers:
            reader.notice(notice)

    async def _grew(self, message: dict[str, Any]) -> None:
        first, last, events = message["first"], message["last"], message["events"]
        async with self._advancing:
            if message["epoch"] == self.epoch and last <= self.position:
                return
            if message["epoch"] == self.epoch and first <= self.position + 1 and events:
                self._advance(Envelope(*event) for event in events[self.position + 1 - first :])
                return
        await self.refresh()

    async def _watch(self) -> None:
        head = None
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                if await ask(log.oldest_waiting_seconds) > OUTBOX_PATIENCE_SECONDS and await ask(relay.run):
                    subscribers.wake_all()
                head = await self._compare(head)
            except Exception as error:  # noqa: BLE001  the hub outlives the database
                logger.warning("The log could not be read (%r); trying again.", error)

    async def _compare(self, earlier: log.Head | None) -> log.Head:
        """Read the log's head; what it had at the last look and the hub still has not was never told."""
        known = self.position
        head = await ask(log.head)
        # What is new since the last look is on its way: nobody is kept waiting for it to be read twice.
        if head.epoch != self.epoch or head.position < known or (earlier and self.position < earlier.position):
            await self.refresh()
        elif head.pruned > self.ring.start:
            # Who comes from before what retention has taken is told so, by the log.
            self.ring.forget(head.pruned)
        return head


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
