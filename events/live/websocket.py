"""The live protocol over WebSocket: one connection, its named subscriptions.

A plain ASGI application: frames go from the hub to the server's `send` without a channel or a thread between. One task
reads; nothing else runs for a client that is quiet.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from django.conf import settings

from events import catalogue
from events.live import frames
from events.live.batch import Message
from events.live.connection import Connection
from events.live.frames import Frames, Refused
from events.live.hub import ask
from events.live.outlet import Outlet, Send, outlet
from events.live.principal import Principal
from events.live.roster import Full, current_roster

logger = logging.getLogger(__name__)

SUBPROTOCOL = "tidewire.v1"
BAD_FRAMES_LIMIT = 10
CLOSE_FAILED = 1011
CLOSE_TRY_AGAIN = 1013
CLOSE_BAD_FRAMES = 4400
CLOSE_TOO_MANY = 4429
# A client that takes nothing is not told for ever why it is closed.
CLOSING_SECONDS = 10.0

Receive = Callable[[], Awaitable[Message]]
# Publishes an event for a principal, or raises something with a `code` and a `message`; asks the database.
Publish = Callable[[Principal, dict[str, Any], str | None], dict[str, Any]]


class LiveSocket:
    """The ASGI application: serves each connection from its opening to its close."""

    def __init__(self, publish: Publish | None = None) -> None:
        self._publish = publish

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Accept the client, serve it as long as it stays, and say why when it is closed."""
        await receive()
        offered = SUBPROTOCOL in scope.get("subprotocols", [])
        await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if offered else None})
        code = await self._serve(scope["principal"], receive, outlet(scope, send))
        if code is not None:
            await _close(send, code)

    async def _serve(self, principal: Principal, receive: Receive, way_out: Outlet) -> int | None:
        try:
            roster = await current_roster()
        except Exception:
            logger.exception("The hub could not start.")
            return CLOSE_TRY_AGAIN
        conversation = Conversation(principal, way_out, self._publish)
        try:
            with roster.admit(conversation.connection(roster.hub)):
                return await conversation.run(receive)
        except Full:
            return CLOSE_TOO_MANY


async def _close(send: Send, code: int) -> None:
    try:
        async with asyncio.timeout(CLOSING_SECONDS):
            await send({"type": "websocket.close", "code": code})
    except Exception as error:  # noqa: BLE001  whatever the server says of a client that has left
        logger.debug("A client was gone before it was told so: %r", error)


class Ended(Exception):
    """The conversation is at its end; carries the close code to send, or None when the client has gone."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(code)
        self.code = code


class Conversation:
    """Reads what one client says and answers."""

    def __init__(self, principal: Principal, outlet: Outlet, publish: Publish | None) -> None:
        self._principal = principal
        self._outlet = outlet
        self._publish_event = publish
        self._bad_frames = 0
        self._code: int | None = None

    def connection(self, hub: Any) -> Connection:
        """Return the connection that this conversation is about."""
        self._connection = Connection(hub, self._principal, self._outlet, Frames(), self._end)
        return self._connection

    async def run(self, receive: Receive) -> int | None:
        """Talk until the client leaves (None) or the connection must close (with this code)."""
        self._task = asyncio.current_task()
        try:
            await self._talk(receive)
        except Ended as ended:
            return ended.code
        except asyncio.CancelledError:
            if self._code is None:
                raise
            return self._code
        except Exception:
            logger.exception("A connection failed.")
            return CLOSE_FAILED
        finally:
            self._task = None
        return None

    def _end(self, code: int) -> None:
        if self._task is not None and self._code is None:
            self._code = code
            self._task.cancel()

    async def _talk(self, receive: Receive) -> None:
        beat = settings.TIDEWIRE_HEARTBEAT_SECONDS
        await self._outlet.put(frames.frame("welcome", connection=uuid4().hex, heartbeat_seconds=beat))
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                raise Ended
            try:
                await self._answer(frames.decode(message.get("text")))
                self._bad_frames = 0
            except Refused as refused:
                await self._refuse(refused)

    async def _refuse(self, refused: Refused) -> None:
        await self._outlet.put(frames.frame("error", id=refused.id, code=refused.code, message=refused.message))
        # One that is well-formed and comes too often, say, is no bad frame.
        self._bad_frames += refused.code in ("invalid", "too_large")
        if self._bad_frames >= BAD_FRAMES_LIMIT:
            raise Ended(CLOSE_BAD_FRAMES)

    async def _answer(self, frame: dict[str, Any]) -> None:
        answers = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "publish": self._publish,
            "ping": self._ping,
        }
        answer = answers.get(frame["type"])
        if answer is None:
            raise Refused("invalid", f"Unknown frame type {frame['type'][:50]!r}.", _id_if_any(frame))
        await answer(frame)

    async def _ping(self, frame: dict[str, Any]) -> None:
        await self._outlet.put(frames.frame("pong"))

    async def _subscribe(self, frame: dict[str, Any]) -> None:
        asked = frames.subscribe(frame)
        subscriptions = self._connection.subscriptions
        if asked.id in subscriptions:
            raise Refused(
                "conflict", "This id is in use on this connection; take another, or unsubscribe it first.", asked.id
            )
        if len(subscriptions) >= settings.TIDEWIRE_CONNECTION_MAX_SUBSCRIPTIONS:
            raise Refused("too_many", "This connection has too many subscriptions; unsubscribe one first.", asked.id)
        try:
            await self._connection.subscribe(asked.id, asked.names, asked.types, asked.after)
        except catalogue.SignInFirst as error:
            raise Refused("unauthenticated", str(error), asked.id) from None
        except catalogue.TooManyTopics as error:
            raise Refused("too_many", str(error), asked.id) from None
        except catalogue.Unreadable as error:
            raise Refused("forbidden", str(error), asked.id) from None

    async def _unsubscribe(self, frame: dict[str, Any]) -> None:
        id = frames.id_of(frame)
        if not self._connection.unsubscribe(id):
            raise Refused("not_found", "There is no subscription of this id.", id)
        await self._outlet.put(frames.frame("unsubscribed", id=id))

    async def _publish(self, frame: dict[str, Any]) -> None:
        asked = frames.publish(frame)
        if self._publish_event is None:
            raise Refused("not_found", "Nothing is published here.", asked.id)
        try:
            event = await ask(self._publish_event, self._principal, asked.event, asked.idempotency_key)
        except Exception as error:
            if not hasattr(error, "code"):
                raise
            raise Refused(error.code, str(error), asked.id) from None
        await self._outlet.put(frames.frame("published", id=asked.id, event=event))


def _id_if_any(frame: dict[str, Any]) -> int | str | None:
    try:
        return frames.id_of(frame)
    except Refused:
        return None
