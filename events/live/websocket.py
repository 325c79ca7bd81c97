"""The live protocol over WebSocket: one connection, its named subscriptions, one writer.

A plain ASGI application: frames go from the subscription to the server's `send` without a channel or a thread between.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from uuid import uuid4

from django.conf import settings

from events import catalogue
from events.live import frames
from events.live.frames import Refused
from events.live.hub import Hub, ask, current_hub
from events.live.subscription import Batch, Subscription

logger = logging.getLogger(__name__)

SUBPROTOCOL = "tidewire.v1"
BAD_FRAMES_LIMIT = 10
CLOSE_TRY_AGAIN = 1013
CLOSE_BAD_FRAMES = 4400
CLOSE_SIGNED_OUT = 4401
RECHECK_SECONDS = 60.0

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Closed(Exception):
    """The connection is at its end; carries the close code to send, or None when the client has gone."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(code)
        self.code = code


async def live_socket(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve one WebSocket connection of the live protocol, from its opening to its close."""
    await receive()
    offered = SUBPROTOCOL in scope.get("subprotocols", [])
    await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if offered else None})
    try:
        hub = await current_hub()
    except Exception:
        logger.exception("The hub could not start.")
        await send({"type": "websocket.close", "code": CLOSE_TRY_AGAIN})
        return
    await Connection(hub, scope, receive, send).serve()


class Connection:
    """One client: reads its frames, and sends what its subscriptions have, each in its turn."""

    def __init__(self, hub: Hub, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self._hub = hub
        self._user = scope["user"]
        self._still_valid: Callable[[], bool] = scope["still_valid"]
        self._receive = receive
        self._send_message = send
        self._subscriptions: dict[int | str, Subscription] = {}
        self._ids: dict[Subscription, int | str] = {}
        self._ready: dict[Subscription, None] = {}
        self._wake = asyncio.Event()
        self._bad_frames = 0
        self._sending = 0

    async def serve(self) -> None:
        """Run until the client leaves or the connection must close."""
        parts: list[Coroutine[Any, Any, None]] = [self._read(), self._write(), self._beat(), self._recheck()]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await self._finish([task.exception() for task in done])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for subscription in self._subscriptions.values():
                subscription.end()

    async def _finish(self, errors: list[BaseException | None]) -> None:
        for error in errors:
            if isinstance(error, Closed):
                if error.code is not None:
                    await self._send_message({"type": "websocket.close", "code": error.code})
            elif isinstance(error, OSError):
                logger.debug("A client went away: %r", error)
            elif error is not None:
                logger.error("A connection failed.", exc_info=error)
                await self._send_message({"type": "websocket.close", "code": 1011})

    async def _send(self, text: str) -> None:
        self._sending += 1
        try:
            await self._send_message({"type": "websocket.send", "text": text})
        finally:
            self._sending -= 1

    # -- What the client sends ----------------------------------------------------------------------------------------

    async def _read(self) -> None:
        beat = settings.TIDEWIRE_HEARTBEAT_SECONDS
        await self._send(frames.frame("welcome", connection=uuid4().hex, heartbeat_seconds=beat))
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                raise Closed
            try:
                await self._serve_frame(frames.decode(message.get("text")))
                self._bad_frames = 0
            except Refused as refused:
                await self._refuse(refused)

    async def _refuse(self, refused: Refused) -> None:
        await self._send(frames.frame("error", id=refused.id, code=refused.code, message=refused.message))
        self._bad_frames += 1
        if self._bad_frames >= BAD_FRAMES_LIMIT:
            raise Closed(CLOSE_BAD_FRAMES)

    async def _serve_frame(self, frame: dict[str, Any]) -> None:
        serve = {"subscribe": self._subscribe, "unsubscribe": self._unsubscribe, "ping": self._ping}.get(frame["type"])
        if serve is None:
            raise Refused("invalid", f"Unknown frame type {frame['type'][:50]!r}.", _id_if_any(frame))
        await serve(frame)

    async def _ping(self, frame: dict[str, Any]) -> None:
        await self._send(frames.frame("pong"))

    async def _subscribe(self, frame: dict[str, Any]) -> None:
        asked = frames.subscribe(frame)
        if asked.id in self._subscriptions:
            raise Refused("conflict", "This id is in use on this connection.", asked.id)
        if len(self._subscriptions) >= settings.TIDEWIRE_CONNECTION_MAX_SUBSCRIPTIONS:
            raise Refused("too_many", "This connection has too many subscriptions.", asked.id)
        topics = await ask(allowed_topics, self._user, asked)
        subscription = Subscription(
            self._hub,
            topics,
            asked.types,
            max_bytes=settings.TIDEWIRE_CONNECTION_MAX_BYTES,
            on_ready=self._make_ready,
        )
        place = await subscription.locate(asked.after)
        head = str(self._hub.cursor)
        await self._send(frames.frame("subscribed", id=asked.id, topics=topics, cursor=str(place), head=head))
        self._subscriptions[asked.id], self._ids[subscription] = subscription, asked.id
        subscription.start()

    async def _unsubscribe(self, frame: dict[str, Any]) -> None:
        id = frames.id_of(frame)
        subscription = self._subscriptions.pop(id, None)
        if subscription is None:
            raise Refused("not_found", "There is no subscription of this id.", id)
        del self._ids[subscription]
        subscription.end()
        await self._send(frames.frame("unsubscribed", id=id))

    # -- What the client is sent --------------------------------------------------------------------------------------

    def _make_ready(self, subscription: Subscription) -> None:
        # A dict keeps the order and takes each once.
        self._ready[subscription] = None
        self._wake.set()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._ready:
                subscription = next(iter(self._ready))
                del self._ready[subscription]
                batch = await subscription.next_batch()
                id = self._ids.get(subscription)
                if id is None:
                    continue
                if batch is not None:
                    await self._send_batch(id, batch)
                if batch is not None or not subscription.is_live:
                    self._make_ready(subscription)

    async def _send_batch(self, id: int | str, batch: Batch) -> None:
        if batch.reset:
            await self._send(frames.frame("reset", id=id, reason=batch.reset, cursor=str(batch.cursor)))
        elif batch.events:
            await self._send(frames.events_frame(id, batch.events, batch.cursor))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(settings.TIDEWIRE_HEARTBEAT_SECONDS)
            # A client that takes nothing gets no heartbeats piled up on top.
            if not self._sending:
                cursors = {str(id): str(each.cursor) for id, each in self._subscriptions.items()}
                await self._send(frames.frame("heartbeat", cursors=cursors))

    async def _recheck(self) -> None:
        """Look from time to time whether the client may still read what it reads."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            if not await ask(self._still_valid):
                raise Closed(CLOSE_SIGNED_OUT)
            for id, subscription in list(self._subscriptions.items()):
                lost = subscription.topics - await ask(catalogue.readable, self._user, subscription.topics)
                if lost and id in self._subscriptions:
                    cursor = subscription.cursor
                    subscription.forget(lost)
                    await self._send(frames.frame("revoked", id=id, topics=sorted(lost), cursor=str(cursor)))


def allowed_topics(user: Any, asked: frames.Subscribe) -> list[str]:
    """Return the topics that the names mean for the user, or raise `Refused`."""
    try:
        return catalogue.authorise(user, asked.names, limit=settings.TIDEWIRE_SUBSCRIPTION_MAX_TOPICS)
    except catalogue.SignInFirst as error:
        raise Refused("unauthenticated", str(error), asked.id) from None
    except catalogue.TooManyTopics as error:
        raise Refused("too_many", str(error), asked.id) from None
    except catalogue.Unreadable as error:
        raise Refused("forbidden", str(error), asked.id) from None


def _id_if_any(frame: dict[str, Any]) -> int | str | None:
    try:
        return frames.id_of(frame)
    except Refused:
        return None
