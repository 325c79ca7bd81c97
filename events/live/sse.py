"""The live side over Server-Sent Events: one subscription for one stream, readable by `EventSource` and by curl.

The id of each event is its cursor, so a reader that comes back with `Last-Event-ID` misses nothing.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from events import catalogue, cursor
from events.cursor import Cursor
from events.live import frames
from events.live.batch import Batch, Message
from events.live.connection import CLOSE_SIGNED_OUT, Connection
from events.live.frames import Refused
from events.live.hub import Hub
from events.live.outlet import Send, SteppedOutlet
from events.live.principal import Principal
from events.live.roster import Full, current_roster
from events.live.subscription import Form
from events.live.websocket import CLOSING_SECONDS, Receive

logger = logging.getLogger(__name__)

SUBSCRIPTION = 0
RETRY_MS = 2000
STATUS = {"invalid": 400, "too_many": 400, "unauthenticated": 401, "forbidden": 403}
# The body of an error: status, sentence → an object in the project's one shape.
Problem = Callable[[int, str], dict[str, Any]]


class Lines:
    """What a connection says, as lines of an event stream."""

    is_single = True

    def events(self, id: int | str) -> Form:
        """Return how events are put."""
        return Form("sse", _events)

    def subscribed(self, id: int | str, topics: list[str], cursor: Cursor, head: Cursor) -> Message:
        """Say where the stream starts: an id without data is an event to nobody and yet remembered."""
        return _lines(f"retry: {RETRY_MS}\nid: {cursor}\n\n")

    def reset(self, id: int | str, reason: str, cursor: Cursor) -> Message:
        """Say that what was before the cursor cannot be had."""
        return _event("reset", {"reason": reason, "cursor": str(cursor)}, cursor)

    def topics(self, id: int | str, added: list[str], removed: list[str], cursor: Cursor) -> Message:
        """Say that an alias means other topics from the cursor on."""
        return _event("topics", {"added": added, "removed": removed, "cursor": str(cursor)}, cursor)

    def revoked(self, id: int | str, topics: list[str], cursor: Cursor) -> Message:
        """Say that topics may not be read from the cursor on."""
        return _event("revoked", {"topics": topics, "cursor": str(cursor)}, cursor)

    def heartbeat(self, cursors: dict[int | str, Cursor]) -> Message:
        """Say that the connection lives, and how far it is."""
        return _lines("".join(f"id: {each}\n\n" for each in cursors.values()) or ":\n\n")

    def reconnect(self, after_ms: int, cursors: dict[int | str, Cursor]) -> Message:
        """Ask the client to come back after so long."""
        ids = "".join(f"id: {each}\n" for each in cursors.values())
        data = json.dumps({"after_ms": after_ms})
        return _lines(f"{ids}retry: {max(after_ms, 1)}\nevent: reconnect\ndata: {data}\n\n")

    def notice(self, topic: str, data: Any) -> Message:
        """Say something that is only for those who are here."""
        return _event("notice", {"topic": topic, "data": data})

    def error(self, id: int | str | None, code: str, message: str) -> Message:
        """Say why something was refused."""
        return _event("error", {"code": code, "message": message})


def _lines(text: str) -> Message:
    return {"type": "http.response.body", "body": text.encode(), "more_body": True}


def _event(name: str, data: dict[str, Any], cursor: Cursor | None = None) -> Message:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return _lines((f"id: {cursor}\n" if cursor else "") + f"event: {name}\ndata: {text}\n\n")


def _events(batch: Batch) -> Message:
    epoch = batch.cursor.epoch
    return _lines("".join([f"id: {epoch}-{each.position}\ndata: {each.encoded}\n\n" for each in batch.events]))


class LiveStream:
    """The ASGI application: serves each stream from its request to its end."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Stream what is asked for, or answer why not."""
        if scope["method"] != "GET":
            return await self._refuse(scope, send, 405, "Streams are read with GET.", (b"allow", b"GET"))
        try:
            asked = _asked(scope)
        except Refused as refused:
            return await self._refuse(scope, send, STATUS.get(refused.code, 400), refused.message)
        try:
            roster = await current_roster()
        except Exception as error:  # noqa: BLE001  whatever keeps the hub from starting
            return await self._refuse(scope, send, *_refusal(error))
        stream = Stream(scope, asked, roster.hub, send)
        try:
            with roster.admit(stream.connection):
                await stream.run(receive)
        except Exception as error:  # noqa: BLE001  it is told to the client
            if stream.has_begun:
                # Who was told something already, to come back later perhaps, is only let go.
                return await stream.finish()
            await self._refuse(scope, send, *_refusal(error))

    async def _refuse(self, scope, send: Send, status: int, detail: str, *more: tuple[bytes, bytes]) -> None:
        body = json.dumps(self._problem(status, detail)).encode()
        heads = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
        heads += [(b"cache-control", b"no-store"), *scope.get("response_headers", ()), *more]
        await send({"type": "http.response.start", "status": status, "headers": heads})
        await send({"type": "http.response.body", "body": body})


def _refusal(error: Exception) -> tuple[Any, ...]:
    match error:
        case Full():
            return 429, "There are too many connections from here.", RETRY_LATER
        case catalogue.SignInFirst():
            return 401, str(error), (b"www-authenticate", b'Bearer realm="tidewire"')
        case catalogue.TooManyTopics():
            return 400, str(error)
        case catalogue.Unreadable():
            return 403, str(error)
    logger.error("A stream could not begin.", exc_info=error)
    return 503, "The log cannot be read at the moment.", RETRY_LATER


RETRY_LATER = (b"retry-after", b"5")
# Proxies must neither hold nothing back nor keep anything.
HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]


class Stream:
    """One client's stream."""

    def __init__(self, scope: dict[str, Any], asked: frames.Subscribe, hub: Hub, send: Send) -> None:
        self._asked = asked
        self._send = send
        self._headers = HEADERS + list(scope.get("response_headers", ()))
        self.has_begun = False
        self._task = asyncio.current_task()
        self._is_ending = False
        principal: Principal = scope["principal"]
        self.connection = Connection(hub, principal, SteppedOutlet(self._begin_and_send), Lines(), self._end)

    async def _begin_and_send(self, message: Message) -> None:
        # The head of the answer waits for the first line: until then it can still be a refusal.
        if not self.has_begun:
            self.has_begun = True
            await self._send({"type": "http.response.start", "status": 200, "headers": self._headers})
        await self._send(message)

    async def run(self, receive: Receive) -> None:
        """Stream until the client leaves or the stream must end."""
        try:
            asked = self._asked
            await self.connection.subscribe(SUBSCRIPTION, asked.names, asked.types, asked.after)
            while (await receive())["type"] != "http.disconnect":
                pass
        except asyncio.CancelledError:
            if not self._is_ending:
                raise
            await self.finish()
        finally:
            self._task = None

    def _end(self, code: int) -> None:
        if self._task is None or self._is_ending:
            return
        self._is_ending = True
        if code == CLOSE_SIGNED_OUT:
            for subscription in self.connection.subscriptions.values():
                topics = sorted(subscription.topics)
                self.connection.offer(self.connection.dialect.revoked(SUBSCRIPTION, topics, subscription.cursor))
        self._task.cancel()

    async def finish(self) -> None:
        """End the answer; its client comes back, or does not."""
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._begin_and_send({"type": "http.response.body", "body": b"", "more_body": False})
        except Exception as error:  # noqa: BLE001  whatever the server says of a client that has left
            logger.debug("A client was gone before its stream ended: %r", error)


def _asked(scope: dict[str, Any]) -> frames.Subscribe:
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    headers = dict(scope["headers"])
    last = headers.get(b"last-event-id", b"").decode("latin-1")
    after = last or query.get("after", [""])[0]
    names, types = _words(query, "topics"), _words(query, "types")
    try:
        place = cursor.parse(after) if after else None
    except cursor.InvalidCursor as error:
        raise Refused("invalid", str(error)) from None
    return frames.Subscribe(SUBSCRIPTION, frames.topics(names), place, frames.types(types))


def _words(query: dict[str, list[str]], field: str) -> list[str]:
    words = [word.strip() for value in query.get(field, []) for word in value.split(",")]
    return [word for word in words if word]
