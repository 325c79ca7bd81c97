"""The resident relay: one process that moves events as soon as it is called, and looks every second when it is not.

It saves the way through a task queue. Any number may run, one of them leads; without any the workers relay.
"""

import logging
import sys
import time
from queue import Empty, SimpleQueue

from django.db import connection

from events import channel, relay, subscribers, wake
from events.watermark import Watermark

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
SHOW_SECONDS = 1.0
# While another relay leads: it takes what this one was called for, and may die.
STANDBY_SECONDS = 0.05
RETRY_SECONDS = 1.0
# Three threads take turns here, each for less than the interpreter's usual 5 ms.
SWITCH_SECONDS = 0.0005
# Under load the subscribers are woken so often.
WAKE_SECONDS = 0.1
FLUSH_SECONDS = 0.02


class Resident:
    """Relays until it is stopped."""

    def __init__(self) -> None:
        # A signal's handler may put into it at any moment, which an Event or a Queue would not survive.
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._stopping = self._moved = False
        self._shown = self._woken = 0.0
        self._watermark = Watermark()

    def run(self) -> None:
        """Relay what is committed as it comes."""
        sys.setswitchinterval(SWITCH_SECONDS)
        channel.on_call(self._call)
        while not self._stopping:
            self._try()
            self._wait()
            self._wake_subscribers()
        wake.show_resident(lives=False)
        channel.flush()

    def stop(self) -> None:
        """End after the batch at hand; may be called by a signal's handler."""
        self._stopping = True
        self._call()

    def _call(self) -> None:
        self._calls.put(None)

    def _wait(self) -> None:
        """Wait for a call, at most until the next look; all that have come until now are one."""
        try:
            self._calls.get(timeout=WAKE_SECONDS if self._moved else LOOK_SECONDS)
            while True:
                self._calls.get_nowait()
        except Empty:
            pass

    def _try(self) -> None:
        """Relay until nothing waits; trouble of the database is waited out."""
        try:
            if not self._relay():
                time.sleep(STANDBY_SECONDS)
        except Exception as error:  # noqa: BLE001  it outlives the database
            logger.warning("Nothing could be relayed (%r); trying again.", error)
            connection.close()
            self._watermark = Watermark()
            time.sleep(RETRY_SECONDS)

    def _relay(self) -> bool:
        """Move batch after batch until nothing waits; return whether this process led."""
        connection.ensure_connection()
        # The statements are the same for ever, and planning them costs more than running them.
        connection.connection.prepare_threshold = 0
        leads = self._drain()
        # Down before the last look, so that what commits after the look calls again.
        wake.clear(wake.RELAY)
        return leads and (not relay.anything_waits(self._watermark) or self._drain())

    def _drain(self) -> bool:
        more = True
        while more and not self._stopping:
            self._show()
            batch = relay.move(self._watermark)
            if batch is None:
                return False
            self._moved, more = self._moved or batch.count > 0, batch.more
            self._wake_subscribers()
        return True

    def _show(self) -> None:
        if time.monotonic() - self._shown >= SHOW_SECONDS:
            self._shown = time.monotonic()
            wake.show_resident()

    def _wake_subscribers(self) -> None:
        """Wake them for what was moved: at once after a rest, else a moment later, so that they take more at a time."""
        if self._moved and time.monotonic() - self._woken >= WAKE_SECONDS:
            # The readers first: this takes the interpreter from the thread that tells them.
            channel.flush(FLUSH_SECONDS)
            self._moved, self._woken = False, time.monotonic()
            subscribers.wake_all()
