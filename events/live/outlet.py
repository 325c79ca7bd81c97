"""An outlet: one client's way out. It takes a message now or refuses it, and never keeps a queue."""

import asyncio
import logging
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from events.live.batch import Message

logger = logging.getLogger(__name__)

Send = Callable[[Message], Awaitable[None]]


class Outlet:
    """Sends messages one after the other.

    The server's `send` is stepped by hand: nearly always it ends at the first step, and a task for it would cost more
    than the sending. Only when it waits, for a client that does not read, a task sees it through.
    """

    __slots__ = ("_busy_since", "_send", "_task", "gone")

    def __init__(self, send: Send) -> None:
        self._send: Callable[[Message], Coroutine[Any, Any, None]] = send  # type: ignore[assignment]
        self._task: asyncio.Task[None] | None = None
        self._busy_since = 0.0
        self.gone = False

    def offer(self, message: Message) -> bool:
        """Send the message, unless an earlier one is still under way: then say no. Never blocks."""
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
        while not self.offer(message):
            await self.ready()

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
