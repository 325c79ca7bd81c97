"""The live protocol over WebSocket: many subscriptions on one connection, and publishing."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from clients.live import CLOSED_ABNORMALLY, Asked, Closed, Id, Live, Message, Refused

REFUSALS = {401: "unauthenticated", 403: "forbidden", 404: "not_found", 429: "too_many"}
REPLIES = ("subscribed", "unsubscribed", "published", "error")


class Connection(Live):
    """A WebSocket; besides what every connection can, it publishes and sends any frame."""

    _socket: ClientConnection

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.welcome: dict[str, Any] = {}
        self._replies: dict[Id, asyncio.Future[dict[str, Any]]] = {}

    async def open(self) -> None:
        """Connect; raises `Refused` when the handshake is refused, `Closed` when the server goes amid it."""
        query = urlencode(self._credentials.query)
        scheme = "wss" if self._url.startswith("https:") else "ws"
        address = urlsplit(self._url)._replace(scheme=scheme, path="/live/ws", query=query).geturl()
        try:
            # Heartbeats of the protocol itself tell of silence; frames are as large as the server makes them.
            self._socket = await connect(
                address,
                additional_headers=self._credentials.headers,
                compression=None,
                ping_interval=None,
                max_size=None,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            raise Refused(REFUSALS.get(status, "refused"), "the handshake", status) from None
        except InvalidHandshake:
            raise Closed(CLOSED_ABNORMALLY) from None

    async def close(self) -> None:
        """Take leave by a closing handshake."""
        await self._socket.close()

    async def abort(self) -> None:
        """Break the connection off without a closing handshake."""
        self._socket.transport.abort()
        await self._socket.wait_closed()

    async def send(self, **frame: Any) -> None:
        """Send a frame as it is."""
        await self._send(json.dumps(frame))

    async def unsubscribe(self, id: Id = 1) -> None:
        """End a subscription."""
        await self._ask({"type": "unsubscribe", "id": id})
        self._asked.pop(id, None)
        self.cursors.pop(id, None)

    async def publish(self, event: dict[str, Any], idempotency_key: str | None = None) -> dict[str, Any]:
        """Publish an event and return it as it was committed; raises `Refused` or `Closed`."""
        frame = {"type": "publish", "id": uuid4().hex, "event": event}
        published: dict[str, Any] = (
            await self._ask(frame | ({"idempotency_key": idempotency_key} if idempotency_key else {}))
        )["event"]
        return published

    async def _subscribe(self, asked: Asked, after: str | None) -> Message:
        frame = {"type": "subscribe", "id": asked.id, "topics": list(asked.topics)}
        frame |= {"after": after} if after is not None else {}
        frame |= {"types": list(asked.types)} if asked.types else {}
        return self._started(asked, _message(await self._ask(frame)))

    async def _ask(self, frame: dict[str, Any]) -> dict[str, Any]:
        reply = self._replies[frame["id"]] = asyncio.get_running_loop().create_future()
        try:
            await self._send(json.dumps(frame))
            while not reply.done() and self.closed is None:
                await self._fetch_unless(reply.done)
            if not reply.done():
                raise Closed(self.closed or CLOSED_ABNORMALLY)
        finally:
            del self._replies[frame["id"]]
        answer = reply.result()
        if answer["type"] == "error":
            raise Refused(answer["code"], answer["message"])
        return answer

    async def _send(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ConnectionClosed:
            # What the server said before it closed is still to be read, and so is the code.
            return

    async def _fetch(self) -> None:
        try:
            frame = json.loads(await self._socket.recv())
        except ConnectionClosed:
            self._end(self._socket.close_code or CLOSED_ABNORMALLY)
            return
        reply = self._replies.get(frame.get("id")) if frame["type"] in REPLIES else None
        if reply is not None and not reply.done():
            reply.set_result(frame)
        elif frame["type"] == "welcome":
            self.welcome = frame
        elif frame["type"] == "heartbeat":
            self._inbox.extend(self._heartbeats(frame["cursors"]))
        else:
            self._inbox.append(_message(frame))

    def _heartbeats(self, cursors: dict[str, str]) -> list[Message]:
        names = {str(id): id for id in self._asked}
        return [Message("heartbeat", names[id], cursor) for id, cursor in cursors.items() if id in names]


def _message(frame: dict[str, Any]) -> Message:
    known = {"type": frame.pop("type"), "id": frame.pop("id", None), "cursor": frame.pop("cursor", None)}
    return Message(**known, events=tuple(frame.pop("events", ())), fields=frame)
