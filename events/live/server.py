"""uvicorn's WebSocket protocol with a short way out for frames that many are sent.

It is chosen by `--ws events.live.server:LiveProtocol`.
A frame is put into bytes once for all who are sent it and written straight to each transport. The ASGI way builds it
anew for everyone, which costs several times as much. Everything else goes as it always does.
"""

from typing import cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from events.live.outlet import WIRE


class LiveProtocol(WebSocketsSansIOProtocol):
    """One client's connection; applications find it in the scope's extensions and use it as a `Wire`."""

    paused_at = 0.0

    def handle_connect(self, event: Request) -> None:
        """Begin as always, and offer the short way."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions = cast("dict[str, object]", self.scope["extensions"])
            extensions[WIRE] = self

    def pause_writing(self) -> None:
        """Note since when the client takes nothing."""
        super().pause_writing()
        self.paused_at = self.loop.time()

    def resume_writing(self) -> None:
        """Note that the client takes something again."""
        super().resume_writing()
        self.paused_at = 0.0

    def write(self, frame: bytes) -> bool:
        """Write an encoded frame, unless too much waits already to be taken: then say no."""
        if self.paused_at:
            return False
        if not (self.disconnected or self.close_sent):
            self.transport.write(frame)
        return True

    async def drained(self) -> None:
        """Return when the client has taken most of what waits, or has left."""
        while self.paused_at and not self.disconnected:
            await self.writable.wait()
        if self.disconnected:
            self.paused_at = 0.0

    def busy_seconds(self) -> float:
        """Return for how long the client has taken nothing; 0 when nothing waits for it."""
        return self.loop.time() - self.paused_at if self.paused_at else 0.0

    def abort(self) -> None:
        """End the connection without a word: what waits is thrown away."""
        self.transport.abort()
