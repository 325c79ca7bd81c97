"""A subscription: some topics in position order from a cursor on, first what was missed, then live.

It has two states. Live, it holds nothing: it takes each batch as the hub sends it. Behind, it reads from the ring or
the log at its client's own speed until it has caught up. Who cannot take a batch now is behind from there on: so a slow
reader costs no memory, slows nobody, and is never cut off. The change from behind to live has no `await` in it, hence
no event falls in between.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from events.cursor import Cursor
from events.encoding import Envelope
from events.live.batch import BATCH_BYTES, Batch, Message, Notice
from events.live.hub import Hub
from events.live.selection import Selection

# So many events of the ring are looked through before others have their turn.
STRIDE = 2000
AHEAD_PATIENCE_SECONDS = 1.0


class Owner(Protocol):
    """The connection that a subscription belongs to."""

    def offer(self, message: Message) -> bool:
        """Send the message now, or say no."""

    def notice(self, notice: Notice) -> None:
        """Send a live-only notice, once for however many subscriptions."""

    def catch_up(self) -> None:
        """See to it that the subscriptions which are behind catch up."""

    def ask_again(self) -> None:
        """Ask anew what may be read, before anything else is sent."""


@dataclass(frozen=True, slots=True)
class Form:
    """How batches are put for a client; those of one name are the same for all."""

    name: str
    render: Callable[[Batch], Message]


@dataclass(frozen=True, slots=True)
class Reset:
    """What was before the cursor could not be had, for a reason."""

    reason: str
    cursor: Cursor


class Subscription:
    """One client's place in the log."""

    __slots__ = (
        "_epoch",
        "_form",
        "_hub",
        "_live",
        "_offer",
        "_owner",
        "_position",
        "_reset",
        "_selection",
        "id",
        "names",
        "types",
    )

    def __init__(
        self, hub: Hub, owner: Owner, id: int | str, names: Collection[str], types: Collection[str], form: Form
    ) -> None:
        self.id = id
        # What was asked for, topics and aliases.
        self.names = frozenset(names)
        self.types = frozenset(types)
        self._hub = hub
        self._owner = owner
        self._offer = owner.offer
        self._form = form
        self._selection: Selection = hub.index.selection((), ())
        self._live = False
        self._epoch, self._position, self._reset = hub.epoch, hub.sent, ""

    @property
    def topics(self) -> frozenset[str]:
        """Return what is read."""
        return self._selection.topics

    @property
    def is_live(self) -> bool:
        """Say whether it takes events as they happen."""
        return self._live

    @property
    def cursor(self) -> Cursor:
        """Return up to where everything has been handed out."""
        return Cursor(self._epoch, max(self._position, self._hub.sent) if self._live else self._position)

    async def locate(self, after: Cursor | None) -> Cursor:
        """Take up the place after the cursor, or at the head, and return it."""
        if after is not None:
            await self._wait_for(after)
        place = after or Cursor(self._hub.epoch, self._hub.sent)
        self._epoch, self._position = place.epoch, place.position
        self._reset = self._hub.refuses(place) or ""
        return place

    async def _wait_for(self, cursor: Cursor) -> None:
        # A cursor ahead of this process is that of a quicker one, or of a log that is gone: a moment tells which.
        now = asyncio.get_running_loop().time
        deadline = now() + AHEAD_PATIENCE_SECONDS
        while self._hub.refuses(cursor) == "ahead" and now() < deadline:
            await self._hub.refresh()
            await asyncio.sleep(AHEAD_PATIENCE_SECONDS / 10)

    def read(self, topics: Collection[str]) -> None:
        """Read these topics, and no others, from the place on."""
        self.hold()
        self._selection.readers.discard(self)
        self._selection = self._hub.index.selection(topics, self.types)
        self._selection.readers.add(self)
        # Before it was a reader nobody told it that the log had become another one.
        self._reset = self._reset or self._hub.refuses(Cursor(self._epoch, self._position)) or ""
        self._owner.catch_up()

    def end(self) -> None:
        """Take no more events."""
        self.hold()
        self._selection.readers.discard(self)

    def hold(self) -> None:
        """Take nothing more before `next` is asked."""
        if self._live:
            self._position = max(self._position, self._hub.sent)
            self._selection.leave(self)
            self._live = False

    # -- What the hub calls -------------------------------------------------------------------------------------------

    def take(self, batch: Batch) -> None:
        """Send the batch, or be behind from here on."""
        # Straight to the way out: this is what one delivery costs.
        if not self._offer(batch.form(self._form.name, self._form.render)):
            self.fall_behind(batch.start)

    def notice(self, notice: Notice) -> None:
        """Let the client have a live-only notice, unless it is slow: then it is lost to it."""
        self._owner.notice(notice)

    def fall_behind(self, position: int, reset: str = "") -> None:
        """Read on from the log; a `reset` is told to the client first."""
        if self._live:
            self._position = max(self._position, position)
            self._selection.leave(self)
            self._live = False
        self._reset = self._reset or reset
        self._owner.catch_up()

    def ask_again(self) -> None:
        """Let the whole connection ask what it may read."""
        self._owner.ask_again()

    def say(self, batch: Batch) -> Message:
        """Return the batch as its client is told it."""
        return batch.form(self._form.name, self._form.render)

    # -- What the connection calls while it is behind ------------------------------------------------------------------

    async def next(self) -> Batch | Reset | None:
        """Return what is to be sent next, at once; with None there was nothing to send in this stretch of the log."""
        if self._epoch != self._hub.epoch:
            # Replaced while the subscription was being made: nobody has told it.
            self._reset = self._reset or "epoch"
        if self._reset:
            return self._take_reset()
        if self._position > self._entrance:
            # The client has seen, in a page say, some of what still waits to be sent to the others; the rest is read.
            self._hub.send_now()
            return None
        batch = None
        if self._position < self._entrance:
            if not self._hub.ring.covers(self._position):
                return await self._take_from_log()
            batch = self._take_from_ring()
        if self._position >= self._entrance:
            self._join()
        return batch

    def _join(self) -> None:
        self._selection.join(self, self._hub.position)
        self._live = True

    @property
    def _entrance(self) -> int:
        return self._hub.entrance(self._selection)

    def _take_reset(self) -> Reset:
        reason, self._reset = self._reset, ""
        self._epoch, self._position = self._hub.epoch, self._hub.sent
        return Reset(reason, self.cursor)

    def _take_from_ring(self) -> Batch | None:
        start = self._position
        found: list[Envelope] = []
        size = 0
        for event in self._hub.ring.between(start, min(start + STRIDE, self._entrance)):
            if self._selection.holds(event):
                if found and size + len(event.encoded) > BATCH_BYTES:
                    break
                found.append(event)
                size += len(event.encoded)
            self._position = event.position
        return Batch(start, found, Cursor(self._epoch, self._position)) if found else None

    async def _take_from_log(self) -> Batch | Reset | None:
        epoch, after, selection = self._epoch, self._position, self._selection
        page = await self._hub.page(selection, after, self._entrance)
        if self._reset or epoch != self._epoch or selection is not self._selection:
            return None
        if refusal := page.head.refuses(Cursor(epoch, after)):
            self._reset = refusal
            return self._take_reset()
        self._position = page.position
        return Batch(after, page.events, self.cursor) if page.events else None
