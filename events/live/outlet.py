"""An outlet: one client's way out. It takes a message now or refuses it, and never keeps a queue."""

import asyncio
import logging
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Protocol

from events.live.batch import Message

logger = logging.getLogger(__name__)

Send = Callable[[Message], Awaitable[None]]
# The name of the extension by which a server offers a `Wire`.
WIRE = "tidewire.wire"


class Wire(Protocol):
    """A server's short way out: encoded frames, written without a coroutine."""

    def write(self, frame: bytes) -> bool: ...
    async def drained(self) -> None: ...
    def busy_seconds(self) -> float: ...
    def abort(self) -> None: ...


class Outlet(Protocol):
    """One client's way out."""

    gone: bool

    def offer(self, message: Message) -> bool:
        """Send the message, unless an earlier one is still under way: then say no. Never blocks."""

    async def put(self, message: Message) -> None:
        """Send the message as soon as those before it have left."""

    async def ready(self) -> None:
        """Return when nothing is under way."""

    def busy_seconds(self) -> float:
        """Return for how long the client has taken nothing of what is under way; 0 when nothing is."""

    def drop(self) -> None:
        """Give up what is under way and send nothing more."""


def outlet(scope: dict[str, Any], send: Send) -> Outlet:
    """Return the best way out that the server offers."""
    wire = scope.get("extensions", {}).get(WIRE)
    return SteppedOutlet(send) if wire is None else WiredOutlet(wire)


class SteppedOutlet:
    """The way through any ASGI server.

    The server's `send` is stepped by hand: nearly always it ends at the first step, and a task for it would cost more
    than the sending. Only when it waits, for a client that does not read, a task sees it through.
    """

    __slots__ = ("_busy_since", "_send", "_task", "_waiting", "gone")

    def __init__(self, send: Send) -> None:
        self._send: Callable[[Message], Coroutine[Any, Any, None]] = send  # type: ignore[assignment]
        self._task: asyncio.Task[None] | None = None
        self._busy_since = 0.0
        # So many messages wait in `put`: what is offered meanwhile is newer, and must not overtake them.
        self._waiting = 0
        self.gone = False

    def offer(self, message: Message) -> bool:
        """Send the message, unless an earlier one is still under way: then say no. Never blocks."""
        return not self._waiting and self._offer(message)

    def _offer(self, message: Message) -> bool:
        if self._task is not None:
            return False
        if self.gone:
            return True
        sending = self._send(message)
        try:
            awaited = sending.send(None)
        except StopIteration:
            return True
        except Exception as error:  # noqa: BLE001  whatever the server says of a client that has left
            self._lose(error)
            return True
        loop = asyncio.get_running_loop()
        self._busy_since = loop.time()
        self._task = loop.create_task(_finish(sending, awaited))
        self._task.add_done_callback(self._freed)
        return True

    async def put(self, message: Message) -> None:
        """Send the message as soon as those before it have left."""
        while not self._offer(message):
            self._waiting += 1
            try:
                await self.ready()
            finally:
                self._waiting -= 1

    async def ready(self) -> None:
        """Return when nothing is under way."""
        while self._task is not None:
            await asyncio.wait([self._task])

    def busy_seconds(self) -> float:
        """Return for how long the client has taken nothing of what is under way; 0 when nothing is."""
        return asyncio.get_running_loop().time() - self._busy_since if self._task is not None else 0.0

    def drop(self) -> None:
        """Give up what is under way and send nothing more."""
        self.gone = True
        if self._task is not None:
            self._task.cancel()

    def _freed(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self._lose(error)

    def _lose(self, error: BaseException) -> None:
        self.gone = True
        logger.debug("A client went away: %r", error)


async def _finish(sending: Coroutine[Any, Any, None], awaited: Any) -> None:
    await _see_through(sending, awaited)


@types.coroutine
def _see_through(sending: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine that has been stepped once and awaits something."""
    try:
        while True:
            try:
                yield awaited
            except BaseException as error:  # noqa: BLE001  it belongs to the coroutine
                awaited = sending.throw(error)
            else:
                awaited = sending.send(None)
    except StopIteration:
        return


class WiredOutlet:
    """The way through a server that takes encoded frames; a message that many are sent is encoded once."""

    __slots__ = ("_waiting", "_wire", "gone")

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._waiting = 0
        self.gone = False

    def offer(self, message: Message) -> bool:
        """Write the message, unless too much waits already: then say no. Never blocks."""
        return not self._waiting and self._offer(message)

    def _offer(self, message: Message) -> bool:
        frame = message.get("frame")
        if frame is None:
            frame = message["frame"] = encode(message["text"])
        return self.gone or self._wire.write(frame)

    async def put(self, message: Message) -> None:
        """Write the message as soon as the client takes something."""
        while not self._offer(message):
            self._waiting += 1
            try:
                await self._wire.drained()
            finally:
                self._waiting -= 1

    async def ready(self) -> None:
        """Return when the client has taken most of what was written."""
        await self._wire.drained()

    def busy_seconds(self) -> float:
        """Return for how long the client has taken nothing of what was written; 0 when nothing waits."""
        return self._wire.busy_seconds()

    def drop(self) -> None:
        """Send nothing more; what waits for a client that takes nothing is thrown away."""
        self.gone = True
        if self._wire.busy_seconds():
            self._wire.abort()


def encode(text: str) -> bytes:
    """Put a text into one whole WebSocket frame of a server (RFC 6455, 5.2)."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
