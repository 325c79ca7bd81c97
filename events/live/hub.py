"""The hub: one per web process. It follows the log, keeps the recent part in memory and offers it to its readers.

Positions are dense, so the hub knows that it is complete: it goes on only when the next event is the one after its
head, and reads the log for whatever it was not told. What comes leaves at once; what comes while that is being sent
leaves together, in frames shared by all who read the same, so that a rush costs less per event, not more.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.conf import settings

from events import channel, log, relay, subscribers
from events.catalogue import changes_rights
from events.cursor import Cursor
from events.encoding import Envelope
from events.live.batch import BATCH_BYTES, Batch, Notice, batches
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
# For so long it is believed that anybody may read a topic, though no event says otherwise; and of so many topics.
OPEN_SECONDS = 5.0
OPEN_LIMIT = 10_000
# However long sending takes, events wait no longer than this for company.
WINDOW_MAX_SECONDS = 0.05


async def ask(question: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run a function that uses the database in a thread, without holding its connection afterwards."""
    return await database_sync_to_async(question, thread_sensitive=False)(*args, **kwargs)


class Hub:
    """What this process knows of the log, and who in it wants to know."""

    def __init__(self) -> None:
        self.epoch = ""
        self.position = 0
        # Up to here everything has been handed to those who are live.
        self.sent = 0
        self.ring = Ring(0, settings.TIDEWIRE_RING_BYTES)
        self.index = Index()
        # How often rights have changed; who asks for them in a thread sees by it whether to ask again.
        self.rights_version = 0
        # What anybody may read, and since when that was known: a storm of strangers asks for it once.
        self._open: dict[str, float] = {}
        self._loop = asyncio.get_running_loop()
        self._unsent: dict[Selection, None] = {}
        self._next_send = 0.0
        self._sending: asyncio.TimerHandle | None = None
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
        if self._sending is not None:
            self._sending.cancel()
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

    def is_open(self, topics: Collection[str]) -> bool:
        """Say whether it is known that anybody may read these topics, and nothing has changed it since."""
        since = self._loop.time() - OPEN_SECONDS
        return all(self._open.get(topic, since) > since for topic in topics)

    def note_open(self, topics: Collection[str]) -> None:
        """Take notice that anybody may read these topics."""
        if len(self._open) > OPEN_LIMIT:
            self._open.clear()
        self._open.update(dict.fromkeys(topics, self._loop.time()))

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
        self.sent = self.position
        self.ring.clear(head.position)
        for reader in self.index.readers():
            reader.fall_behind(before, reset)
        # Among what was skipped, or in another log, there may be changes of rights.
        self._open.clear()
        self._ask_again(self.index.everyone())

    def _advance(self, events: Iterable[Envelope]) -> None:
        for event in events:
            self.ring.append(event)
            self.position = event.position
            for selection in self.index.on(event.topic):
                if selection.wants(event.type):
                    selection.pending.append(event)
                    self._unsent[selection] = None
            if changes_rights(event.type):
                # Up to here as before; what comes after it only as it then is right.
                self.send_now()
                self._close(event.topic)
                self._ask_again(self.index.concerned(event.topic))
        self._send_soon()

    def _close(self, topic: str) -> None:
        under = f"{topic}."
        for name in [name for name in self._open if name == topic or name.startswith(under)]:
            del self._open[name]

    def _ask_again(self, readers: Iterable[Any]) -> None:
        self.rights_version += 1
        for reader in readers:
            reader.ask_again()

    def _send_soon(self) -> None:
        if self._sending is None:
            wait = self._next_send - self._loop.time()
            if wait <= 0:
                self.send_now()
            else:
                self._sending = self._loop.call_later(wait, self.send_now)

    def send_now(self) -> None:
        """Hand what is new to those who are live."""
        began = self._loop.time()
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        start, self.sent = self.sent, self.position
        unsent, self._unsent = self._unsent, {}
        # Selections that differ, as everyone's home does, often have the same news.
        made: dict[tuple[int, ...], list[Batch]] = {}
        for selection in unsent:
            pending, selection.pending = selection.pending, []
            key = tuple(event.position for event in pending)
            if key not in made:
                made[key] = list(batches(pending, start, self.cursor))
            for batch in made[key]:
                for reader in list(selection.live):
                    try:
                        reader.take(batch)
                    except Exception:
                        # What one cannot be given, the others are.
                        logger.exception("Events could not be handed out.")
                        reader.fall_behind(batch.start)
        # At least as long as it took goes by before the next: half of the time is always left for all else.
        ended = self._loop.time()
        self._next_send = ended + min(ended - began, WINDOW_MAX_SECONDS)

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
        else:
            await self._grew(message)

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
