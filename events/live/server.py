"""uvicorn's WebSocket protocol with a short way out for frames that many are sent.

It is chosen by `--ws events.live.server:LiveProtocol`.
A frame is put into bytes once for all who are sent it and written straight to each transport. The ASGI way builds it
anew for everyone, which costs several times as much. Everything else goes as it always does.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from events.live.outlet import WIRE


class LiveProtocol(WebSocketsSansIOProtocol):
    """One client's connection; applications find it in the scope's extensions and use it as a `Wire`."""

    paused_at = 0.0
    waiting = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # asyncio's own hold four deques for each client, though there is never more than one who waits.
        self.queue = cast("asyncio.Queue", Inbox())
        self.writable = cast("asyncio.Event", Gate())

    def handle_connect(self, event: Request) -> None:
        """Begin as always, and offer the short way."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions = cast("dict[str, object]", self.scope["extensions"])
            extensions[WIRE] = self

    async def send(self, message: Any) -> None:
        """Send as always; once the client is accepted, nobody asks any more what it said to come in."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            self.request.headers.clear()
            del self.request, self.response

    def pause_writing(self) -> None:
        """Note since when the client takes nothing."""
        super().pause_writing()
        self.paused_at, self.waiting = self.loop.time(), self.transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        """Note that the client takes something again."""
        super().resume_writing()
        self.paused_at = 0.0

    def write(self, frame: bytes) -> bool:
        """Write an encoded frame, unless too much waits already to be taken: then say no."""
        if self.paused_at:
            return False
        if not (self.disconnected or self.close_sent or self.transport.is_closing()):
            self.transport.write(frame)
        return True

    async def drained(self) -> None:
        """Return when the client has taken most of what waits, or has left."""
        # Who was woken may find that others have filled it up again.
        while not self.writable.is_set():
            await self.writable.wait()
        if self.disconnected:
            self.paused_at = 0.0

    def busy_seconds(self) -> float:
        """Return for how long, as far as one has looked, the client has taken nothing; 0 when nothing waits for it."""
        if self.paused_at and (waiting := self.transport.get_write_buffer_size()) < self.waiting:
            self.paused_at, self.waiting = self.loop.time(), waiting
        return self.loop.time() - self.paused_at if self.paused_at else 0.0

    def abort(self) -> None:
        """End the connection without a word: what waits is thrown away."""
        self.transport.abort()


class Gate:
    """Open or closed; those who wait for it are let through when it opens. As much of `asyncio.Event` as is used."""

    __slots__ = ("_is_open", "_waiting")

    def __init__(self) -> None:
        self._is_open = True
        self._waiting: list[asyncio.Future[None]] = []

    def is_set(self) -> bool:
        """Say whether it is open."""
        return self._is_open

    def set(self) -> None:
        """Open it."""
        self._is_open = True
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def clear(self) -> None:
        """Close it."""
        self._is_open = False

    async def wait(self) -> None:
        """Return when it is open."""
        while not self._is_open:
            future = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future


class Inbox:
    """What has come from the client and was not yet read. As much of `asyncio.Queue` as is used, for one reader."""

    __slots__ = ("_messages", "_reader")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._reader: asyncio.Future[None] | None = None

    def empty(self) -> bool:
        """Say whether all was read."""
        return not self._messages

    def put_nowait(self, message: Any) -> None:
        """Add a message; the server stops reading from the client while one waits, so there are few."""
        self._messages.append(message)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> Any:
        """Return the next message, when there is one."""
        while not self._messages:
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._messages.pop(0)
