"""Dispatch: how what is new leaves for those who are live.

What comes first leaves at once. What comes while that is being sent, and for a while after it, leaves together, in
frames shared by all who read the same: a rush costs less per event, not more.
"""

import asyncio
import logging
from time import perf_counter

from events.cursor import Cursor
from events.encoding import Envelope
from events.live.batch import Batch, batches
from events.live.selection import Selection

logger = logging.getLogger(__name__)

# After a sending of this length events wait as long for company; after a shorter one much less, for then quickness
# counts, and after a longer one much more, for then cost does; but never longer than the maximum.
EVEN_SECONDS = 0.001
WINDOW_MAX_SECONDS = 0.05


class Dispatch:
    """What this process has handed to its live readers, and what it is about to."""

    def __init__(self) -> None:
        # All that has happened, and up to where everything has been handed out.
        self.head = Cursor("", 0)
        self.sent = 0
        self._unsent: dict[Selection, None] = {}
        self._loop = asyncio.get_running_loop()
        self._next = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_sending = False

    def restart(self, head: Cursor) -> None:
        """Go on from another place; what came before it is not handed out."""
        self.head, self.sent = head, head.position

    def add(self, selection: Selection, event: Envelope) -> None:
        """Have the event handed to the selection's readers with what comes next."""
        selection.pending.append(event)
        self._unsent[selection] = None

    def send_soon(self, head: Cursor) -> None:
        """Hand out what is new up to the head: now, or with what else comes in the meantime."""
        self.head = head
        if not self._unsent:
            self.sent = head.position
        elif self._timer is None and not self._is_sending:
            wait = self._next - perf_counter()
            if wait <= 0:
                self.send_now(head)
            else:
                self._timer = self._loop.call_later(wait, lambda: self.send_now(self.head))

    def send_now(self, head: Cursor) -> None:
        """Hand out what is new up to the head."""
        self.head = head
        self.stop()
        start, self.sent = self.sent, head.position
        unsent, self._unsent = self._unsent, {}
        if unsent and not self._is_sending:
            # What is written leaves when this turn of the loop is over: only then is it known how long it took.
            self._is_sending = True
            self._loop.call_soon(self._rest, perf_counter())
        # Selections that differ, as everyone's home does, often have the same news.
        made: dict[tuple[int, ...], list[Batch]] = {}
        for selection in unsent:
            pending, selection.pending = selection.pending, []
            key = tuple(event.position for event in pending)
            if key not in made:
                made[key] = list(batches(pending, start, head))
            for batch in made[key]:
                _hand_out(batch, selection)

    def stop(self) -> None:
        """Forget the next time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rest(self, began: float) -> None:
        """Let what comes next wait for company, so that most of the time is left for all else."""
        ended = perf_counter()
        self._is_sending = False
        self._next = ended + min((ended - began) ** 2 / EVEN_SECONDS, WINDOW_MAX_SECONDS)
        self.send_soon(self.head)


def _hand_out(batch: Batch, selection: Selection) -> None:
    for reader in list(selection.live):
        try:
            reader.take(batch)
        except Exception:
            # What one cannot be given, the others are.
            logger.exception("Events could not be handed out.")
            reader.fall_behind(batch.start)
