"""The one room that speaks to the channel layer: a group that every web process joins, and one for each resident.

A message is a hint with the events in it. One that is lost, doubled or late does no harm: positions are dense, so a
reader sees what it missed and takes it from the log.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Future, wait
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

import uvloop
from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import channel_layers, get_channel_layer

from events.encoding import Envelope

logger = logging.getLogger(__name__)

GROUP = "tidewire.log"
# A resident process (the relay, and those of other apps) is called by a group of its own.
RESIDENT_GROUP = "tidewire.{}"
RELAY = "relay"
PROBE = {"type": "log.probe"}
GREW = "log.grew"
CALL = {"type": "relay.call"}
# A larger batch goes as a bare hint, and is read from the log.
MESSAGE_MAX_BYTES = 1024 * 1024
SEND_TIMEOUT_SECONDS = 2.0
RETOLD_TOGETHER = 200
# With more messages under way than this, or after trouble, batches are not told for a moment: the hubs read the log.
PENDING_LIMIT = 32
BREAKER_SECONDS = 1.0
# A subscription that hears nothing, not even its own probe, is dead though its connection looks alive.
SILENCE_SECONDS = 3.0
CONNECTION_SECONDS = 2.0


class Silent(Exception):
    """Nothing has come for too long, not even what this listener sent to itself."""


class _Loop:
    """One event loop in a thread of its own: a loop per call would cost a connection per call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0

    def start(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Start the coroutine there and return what becomes of it."""
        return asyncio.run_coroutine_threadsafe(work, self._running())

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the coroutine there and wait for it, at most for the send timeout."""
        future = self.start(asyncio.wait_for(work, SEND_TIMEOUT_SECONDS))
        future.result(SEND_TIMEOUT_SECONDS + 1)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._pid != os.getpid():
                self._loop, self._pid = uvloop.new_event_loop(), os.getpid()
                threading.Thread(target=self._loop.run_forever, name="channel", daemon=True).start()
            return self._loop


class _Announcer:
    """Sends batches in their order without keeping the relay waiting; with a dead layer it drops them and rests."""

    def __init__(self) -> None:
        self._pending: set[Future[None]] = set()
        self._rests_until = 0.0

    def send(self, message: dict[str, Any]) -> None:
        """Send soon, unless too much is under way."""
        if len(self._pending) >= PENDING_LIMIT or time.monotonic() < self._rests_until:
            return
        future = _loop.start(self._send(message))
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            await asyncio.wait_for(get_channel_layer().group_send(GROUP, message), SEND_TIMEOUT_SECONDS)
        except Exception as error:  # noqa: BLE001  the hubs compare heads and read the log
            if time.monotonic() >= self._rests_until:
                logger.warning("The live side was not told of %s-%s: %r", message["epoch"], message["last"], error)
            self._rests_until = time.monotonic() + BREAKER_SECONDS

    def flush(self, seconds: float) -> None:
        """Wait until all that is under way has been sent or has failed, at most for some seconds."""
        wait(list(self._pending), seconds)

    def begin(self) -> None:
        """Begin with nothing: a forked child inherits what only its parent can send."""
        self._pending = set()


_loop = _Loop()
_announcer = _Announcer()
os.register_at_fork(after_in_child=_announcer.begin)


def announce(epoch: str, events: Sequence[Envelope]) -> None:
    """Tell every web process of a batch in one group message, soon; trouble is logged and never raised."""
    _announcer.send(
        {
            "type": GREW,
            "epoch": epoch,
            "first": events[0].position,
            "last": events[-1].position,
            "events": [tuple(event) for event in events] if _size(events) <= MESSAGE_MAX_BYTES else None,
        }
    )


def retell(epoch: str, events: Sequence[Envelope]) -> None:
    """Tell every web process what earlier events say now, soon; trouble is logged and never raised."""
    for first in range(0, len(events), RETOLD_TOGETHER):
        part = [tuple(event) for event in events[first : first + RETOLD_TOGETHER]]
        _announcer.send({"type": "log.redacted", "epoch": epoch, "events": part})


def flush(seconds: float = SEND_TIMEOUT_SECONDS) -> None:
    """Wait until the live side has been told of every batch or cannot be, at most for some seconds."""
    _announcer.flush(seconds)


def _size(events: Sequence[Envelope]) -> int:
    return sum(len(event.encoded) for event in events)


def notify_now(notices: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Tell those who read some topics, as `notify` does, and wait for it; raises what the channel layer raises."""
    _loop.run(_notify_all(notices))


async def _notify_all(notices: Iterable[tuple[str, dict[str, Any]]]) -> None:
    for topic, data in notices:
        await _notify(topic, data)


async def _notify(topic: str, data: dict[str, Any]) -> None:
    await get_channel_layer().group_send(GROUP, {"type": "log.notice", "topic": topic, "data": data})


async def notify(topic: str, data: dict[str, Any]) -> None:
    """Tell those who read the topic now, in every web process, what is in no log; trouble is logged, never raised."""
    try:
        await asyncio.wait_for(_notify(topic, data), SEND_TIMEOUT_SECONDS)
    except Exception as error:  # noqa: BLE001  a notice is only for those who can be reached
        logger.warning("Nobody was told of %s: %r", topic, error)


def call(resident: str) -> None:
    """Call the resident processes of a name: there is something to do. Raises what the channel layer raises."""
    _loop.run(get_channel_layer().group_send(RESIDENT_GROUP.format(resident), CALL))


def on_call(called: Callable[[], None], resident: str = RELAY) -> Future[None]:
    """Let the function be called, in another thread, when the resident is called; until what is returned is cancelled.

    It is called too whenever the connection was lost, for what was missed.
    """
    return _loop.start(_hear(RESIDENT_GROUP.format(resident), CALL["type"], called))


def on_growth(called: Callable[[], None]) -> Future[None]:
    """Let the function be called, in another thread, when the log has grown; until what is returned is cancelled.

    It is called too whenever the connection was lost, for what was missed.
    """
    return _loop.start(_hear(GROUP, GREW, called))


async def _hear(group: str, type: str, called: Callable[[], None]) -> None:
    while True:
        try:
            async for message in _heard(group, SILENCE_SECONDS):
                if message["type"] == type:
                    called()
        except Exception as error:  # noqa: BLE001  without calls a resident looks by the clock
            logger.warning("Nothing is heard on %s (%r); who listens looks every second.", group, error)
        called()
        await asyncio.sleep(BREAKER_SECONDS)


async def messages(silence_seconds: float = SILENCE_SECONDS) -> AsyncIterator[dict[str, Any]]:
    """Join the group on this loop, by a connection of its own, and yield its messages until cancelled.

    Raises `Silent` when the connection is dead though it looks alive: join again, and read the log meanwhile.
    """
    async with aclosing(_heard(GROUP, silence_seconds)) as heard:
        async for message in heard:
            yield message


async def _heard(group: str, silence_seconds: float) -> AsyncGenerator[dict[str, Any], None]:
    async with _joined(group) as (layer, name):
        receiving, probed = asyncio.ensure_future(layer.receive(name)), False
        try:
            while True:
                await asyncio.wait({receiving}, timeout=silence_seconds / 2)
                if receiving.done():
                    message, probed = receiving.result(), False
                    receiving = asyncio.ensure_future(layer.receive(name))
                    if message["type"] != PROBE["type"]:
                        yield message
                # The time is that of waiting, not of the clock: a process that was stopped has missed nothing yet.
                elif probed:
                    raise Silent(f"{group} was silent for {silence_seconds:g} s.")
                else:
                    probed = await _probe(layer, group, silence_seconds / 2)
        finally:
            receiving.cancel()


async def _probe(layer: Any, group: str, seconds: float) -> bool:
    """Say something to the whole group, so that one listener's probe serves all; trouble with it is silence too."""
    with suppress(Exception):
        await asyncio.wait_for(layer.group_send(group, PROBE), seconds)
    return True


# Layers of listeners that have ended: closed, and like new when used again.
_spare: WeakKeyDictionary[asyncio.AbstractEventLoop, list[Any]] = WeakKeyDictionary()


@asynccontextmanager
async def _joined(group: str) -> AsyncIterator[tuple[Any, str]]:
    """Join a group by a layer of its own; closing it loses no other listener's subscription."""
    spare = _spare.setdefault(asyncio.get_running_loop(), [])
    layer = spare.pop() if spare else channel_layers.make_backend(DEFAULT_CHANNEL_LAYER)
    try:
        async with asyncio.timeout(CONNECTION_SECONDS):
            name = await layer.new_channel()
            await layer.group_add(group, name)
        yield layer, name
    finally:
        # A layer whose connection cannot be closed is left to itself.
        with suppress(Exception):
            async with asyncio.timeout(CONNECTION_SECONDS):
                await layer.flush()
            spare.append(layer)
