"""A follower: a resident process that runs one subscriber as soon as the log grows, and saves the way by a task queue.

It looks every second when it hears nothing. Any number may follow for one subscriber: its checkpoint admits one.
"""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from django.db import connection

from events import channel, subscribers, wake

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
# Under load it takes what came in so long at a time.
PAUSE_SECONDS = 0.005
RETRY_SECONDS = 1.0


class Follower:
    """Runs a subscriber until it is stopped; `resident` is the name by which the process is known and called."""

    def __init__(self, subscriber: str, resident: str) -> None:
        self._subscriber, self._resident = subscriber, resident
        # A signal's handler may put into it at any moment, which an Event or a Queue would not survive.
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._stopping, self._shown = False, 0.0

    def run(self) -> None:
        """Take what is new in the log as it comes."""
        hearing = channel.on_growth(self._call)
        try:
            while not self._stopping:
                self._show()
                self._try()
                self._wait()
        finally:
            hearing.cancel()
            connection.close()

    def stop(self) -> None:
        """End after the batch at hand; may be called by a signal's handler."""
        self._stopping = True
        self._call()

    def _call(self) -> None:
        self._calls.put(None)

    def _show(self) -> None:
        if time.monotonic() - self._shown >= LOOK_SECONDS:
            self._shown = time.monotonic()
            wake.show_resident(self._resident)

    def _try(self) -> None:
        try:
            subscribers.run(self._subscriber)
        except Exception as error:  # noqa: BLE001  it outlives the database
            logger.warning("%s could not be run (%r); trying again.", self._subscriber, error)
            connection.close()
            time.sleep(RETRY_SECONDS)

    def _wait(self) -> None:
        """Wait for a call, at most until the next look; all that have come until now are one."""
        time.sleep(PAUSE_SECONDS)
        with suppress(Empty):
            self._calls.get(timeout=LOOK_SECONDS)
            while True:
                self._calls.get_nowait()


def on_call(called: Callable[[], None], resident: str) -> Callable[[], None]:
    """Let a function be called, in another thread, when a resident process of this name is; return what ends that."""
    hearing = channel.on_call(called, resident)

    def end() -> None:
        hearing.cancel()

    return end
