"""A subscription: some topics in position order from a cursor on, first what was missed, then live.

It has two states. Live, it holds the events offered since the last send, bounded in bytes. Behind, it holds nothing
and reads from the ring or the log at its reader's own speed, until it has caught up: so a slow reader costs no memory
and is never cut off. The change from behind to live has no `await` in it, hence no event falls in between.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection
from time import monotonic
from typing import NamedTuple

from events import log
from events.catalogue import matches
from events.cursor import Cursor
from events.encoding import Envelope
from events.live.hub import Hub, ask

PAGE = 200
BATCH_BYTES = 256 * 1024
AHEAD_PATIENCE_SECONDS = 1.0


class Batch(NamedTuple):
    """Events to send, and the cursor that the reader then has; `reset` says why what was before could not be had."""

    events: list[str]
    cursor: Cursor
    reset: str = ""


class Subscription:
    """One reader's place in the log."""

    def __init__(
        self,
        hub: Hub,
        topics: Collection[str],
        types: Collection[str],
        *,
        max_bytes: int,
        on_ready: Callable[["Subscription"], None],
    ) -> None:
        self.topics = frozenset(topics)
        self._hub = hub
        self._types = frozenset(types)
        self._wanted: dict[str, bool] = {}
        self._max_bytes = max_bytes
        self._on_ready = on_ready
        self._pending: deque[Envelope] = deque()
        self._bytes = 0
        self._position = 0
        self._epoch = ""
        self._behind = True
        self._reset = ""

    async def locate(self, after: Cursor | None) -> Cursor:
        """Take up the place after the cursor, or at the head, and return it."""
        if after is not None:
            await self._wait_for(after)
        place = after or self._hub.cursor
        self._epoch, self._position = self._hub.epoch, place.position
        self._reset = self._hub.refuses(place) or ""
        return place

    def start(self) -> None:
        """Take events from the place on: `next_batch` has first what was missed."""
        self._hub.add(self)
        self._on_ready(self)

    def forget(self, topics: Collection[str]) -> None:
        """Read these topics no more, not even what is held of them."""
        self._hub.discard(self)
        self.topics -= frozenset(topics)
        self._pending = deque(event for event in self._pending if event.topic in self.topics)
        self._bytes = sum(len(event.encoded) for event in self._pending)
        self._hub.add(self)

    def end(self) -> None:
        """Take no more events."""
        self._hub.discard(self)
        self._pending.clear()

    @property
    def cursor(self) -> Cursor:
        """Return up to where everything has been handed out."""
        caught_up = not self._behind and not self._pending
        return Cursor(self._epoch, self._hub.position if caught_up else self._position)

    @property
    def is_live(self) -> bool:
        """Say whether it holds all that happened since the last batch."""
        return not self._behind

    def offer(self, event: Envelope) -> None:
        """Keep the next event for sending; past the bound, drop all and read from the log later."""
        if self._behind or not self._wants(event.type):
            return
        if not self._pending:
            self._position = event.position - 1
        self._pending.append(event)
        self._bytes += len(event.encoded)
        if self._bytes > self._max_bytes:
            self.fall_behind(self._position)
        self._on_ready(self)

    def fall_behind(self, position: int, reset: str = "") -> None:
        """Drop what is held and read on from the log; a `reset` is told to the reader first."""
        if not self._behind and not self._pending:
            self._position = position
        self._pending.clear()
        self._bytes = 0
        self._behind = True
        self._reset = self._reset or reset
        self._on_ready(self)

    async def next_batch(self) -> Batch | None:
        """Return what is to be sent next, or None when there is nothing now."""
        if self._reset:
            return self._take_reset()
        if not self._behind:
            return self._take_pending()
        if self._hub.ring.covers(self._position):
            return self._take_from_ring()
        return await self._take_from_log()

    async def _wait_for(self, cursor: Cursor) -> None:
        # A cursor ahead of this process is that of a quicker one, or of a log that is gone: a moment tells which.
        deadline = monotonic() + AHEAD_PATIENCE_SECONDS
        while self._hub.refuses(cursor) == "ahead" and monotonic() < deadline:
            await self._hub.refresh()
            await asyncio.sleep(AHEAD_PATIENCE_SECONDS / 10)

    def _wants(self, type: str) -> bool:
        if not self._types:
            return True
        if type not in self._wanted:
            self._wanted[type] = matches(type, self._types)
        return self._wanted[type]

    def _take_reset(self) -> Batch:
        reason, self._reset = self._reset, ""
        self._epoch, self._position = self._hub.epoch, self._hub.position
        self._pending.clear()
        self._bytes = 0
        self._behind = False
        return Batch([], self._hub.cursor, reason)

    def _take_pending(self) -> Batch | None:
        events, size = [], 0
        while self._pending and size < BATCH_BYTES:
            event = self._pending.popleft()
            events.append(event.encoded)
            size += len(event.encoded)
            self._position = event.position
        self._bytes -= size
        return Batch(events, self.cursor) if events else None

    def _take_from_ring(self) -> Batch | None:
        events, size = [], 0
        for event in self._hub.ring.after(self._position):
            self._position = event.position
            if event.topic in self.topics and self._wants(event.type):
                events.append(event.encoded)
                size += len(event.encoded)
                if size >= BATCH_BYTES:
                    return Batch(events, self.cursor)
        self._position = self._hub.position
        self._behind = False
        return Batch(events, self.cursor) if events else None

    async def _take_from_log(self) -> Batch | None:
        epoch, after = self._epoch, self._position
        page = await ask(
            log.encoded_page, self.topics, after=after, upto=self._hub.position, limit=PAGE, types=self._types
        )
        if self._reset or epoch != self._epoch:
            return None
        if refusal := page.head.refuses(Cursor(epoch, after)):
            self._reset = refusal
            return self._take_reset()
        self._position = page.position
        return Batch([event.encoded for event in page.events], self.cursor)
