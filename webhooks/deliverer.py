"""The resident sender: one process that makes deliveries as the log grows and sends them at once.

It saves the way through a task queue. Any number may run and share the endpoints; without any the workers send.
"""

import asyncio
import gc
import logging
import sys
import threading
import time

import uvloop

from events import follower, wake
from events.follower import Follower
from webhooks import schedule
from webhooks.sender import Sender

logger = logging.getLogger(__name__)

SUBSCRIBER = "webhooks"
# Several threads take turns here, each for less than the interpreter's usual 5 ms.
SWITCH_SECONDS = 0.0005
RETRY_SECONDS = 1.0
# What there is after the start stays; what each try makes is nearly all gone without the collector.
COLLECT_AFTER = (20_000, 20, 20)


class Deliverer:
    """Follows the log and sends, until it is stopped."""

    def __init__(self) -> None:
        self._follower, self._sender = Follower(SUBSCRIBER, schedule.RESIDENT), Sender()
        self._stopping = False

    def run(self) -> None:
        """Deliver what is new and what is due; end when stopped, with nothing under way."""
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        schedule.at_hand(self._called)
        unhear = follower.on_call(self._heard, schedule.RESIDENT)
        following = threading.Thread(target=self._follower.run, name="follower")
        following.start()
        try:
            self._send()
        finally:
            # From here on wake-ups go to the others.
            wake.show_resident(schedule.RESIDENT, lives=False)
            self._follower.stop()
            following.join()
            unhear()
            schedule.at_hand(None)

    def stop(self) -> None:
        """Claim nothing more, and end when what is in flight has landed; may be called by a signal's handler."""
        self._stopping = True
        self._follower.stop()
        self._sender.stop()

    def _heard(self) -> None:
        """Look for what another process asks for; its flag is down before, so that what comes later calls again."""
        wake.clear(schedule.SEND)
        self._called()

    def _called(self) -> None:
        self._sender.call()

    def _send(self) -> None:
        while not self._stopping:
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(self._sender.run())
            except Exception:
                logger.exception("The sender has failed; another begins.")
                time.sleep(RETRY_SECONDS)
                self._sender = Sender()
