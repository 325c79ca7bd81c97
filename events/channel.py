"""The one room that speaks to the channel layer: one group, which every web process joins.

A message is a hint with the events in it. One that is lost, doubled or late does no harm: positions are dense, so a
reader sees what it missed and takes it from the log.
"""

import asyncio
import logging
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

from channels.layers import get_channel_layer

from events.encoding import Envelope

logger = logging.getLogger(__name__)

GROUP = "tidewire.log"
# A larger batch goes as a bare hint, and is read from the log.
MESSAGE_MAX_BYTES = 1024 * 1024
SEND_TIMEOUT_SECONDS = 2.0


class _Loop:
    """One event loop in a thread of its own: a loop per call would cost a connection per call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the coroutine there and wait for it, at most for the send timeout."""
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, SEND_TIMEOUT_SECONDS), self._running())
        future.result(SEND_TIMEOUT_SECONDS + 1)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._loop, self._pid = asyncio.new_event_loop(), os.getpid()
                threading.Thread(target=self._loop.run_forever, name="channel", daemon=True).start()
            return self._loop


_loop = _Loop()


def announce(epoch: str, events: Sequence[Envelope]) -> None:
    """Tell every web process of a batch in one group message; trouble is logged and never raised."""
    message = {
        "type": "log.grew",
        "epoch": epoch,
        "first": events[0].position,
        "last": events[-1].position,
        "events": [tuple(event) for event in events] if _size(events) <= MESSAGE_MAX_BYTES else None,
    }
    try:
        _loop.run(get_channel_layer().group_send(GROUP, message))
    except Exception as error:  # noqa: BLE001  the hubs compare heads and read the log
        logger.warning("The live side was not told of %s-%s: %r", epoch, message["last"], error)


def _size(events: Sequence[Envelope]) -> int:
    return sum(len(event.encoded) for event in events)


async def messages() -> AsyncIterator[dict[str, Any]]:
    """Join the group on this loop and yield its messages until cancelled."""
    layer = get_channel_layer()
    name = await layer.new_channel()
    await layer.group_add(GROUP, name)
    try:
        while True:
            yield await layer.receive(name)
    finally:
        await layer.group_discard(GROUP, name)
