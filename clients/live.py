"""The live side as a client sees it: one interface over WebSocket, Server-Sent Events and long poll.

    async with connect("http://127.0.0.1:8000", transport="sse", key="tw_…") as live:
        await live.subscribe(["home", "me"], after=cursor)
        async for message in live:
            ...

What a transport says in its own way comes as one kind of `Message`, so that a reader need not know which it is.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Self

Id = int | str
TRANSPORTS = ("websocket", "sse", "poll")
PATIENCE_SECONDS = 20.0
CLOSED_ABNORMALLY = 1006
CLOSED_SIGNED_OUT = 4401
CLOSED_TOO_MANY = 4429


class Refused(Exception):
    """The server would not; carries its code (`forbidden`, `invalid` …), its sentence and the HTTP status, if any."""

    def __init__(self, code: str, message: str = "", status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class Closed(ConnectionError):
    """The connection ended before the answer came; carries the close code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client shows: an API key, the value of a Cookie header, or a ticket."""

    key: str | None = None
    cookie: str | None = None
    ticket: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that carry them."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return headers | ({"Cookie": self.cookie} if self.cookie else {})

    @property
    def query(self) -> dict[str, str]:
        """Return the query parameters that carry them."""
        return {"ticket": self.ticket} if self.ticket else {}


@dataclass(frozen=True, slots=True)
class Asked:
    """What one subscription asked for."""

    id: Id
    topics: tuple[str, ...]
    after: str | None
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What the server says to one subscription, or to the whole connection (then `id` is None).

    `type` is `subscribed`, `events`, `heartbeat`, `topics`, `revoked`, `reset`, `reconnect`, `notice`, `error` or, at
    the end, `closed`. What only some types have is in `fields`: `reason`, `added`, `removed`, `after_ms`, `code` …
    """

    type: str
    id: Id | None = None
    cursor: str | None = None
    events: tuple[dict[str, Any], ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)


def closed(code: int) -> Message:
    """Return the last message of a connection."""
    return Message("closed", fields={"code": code})


class Live(ABC):
    """One connection; iterate over it for messages, up to and including `closed`.

    `cursors` holds, by subscription, the cursor of the last message that was handed out: `resume` goes on from there.
    """

    def __init__(self, url: str, credentials: Credentials) -> None:
        self.cursors: dict[Id, str] = {}
        self.closed: int | None = None
        self._url = url.rstrip("/")
        self._credentials = credentials
        self._asked: dict[Id, Asked] = {}
        self._inbox: deque[Message] = deque()
        self._turn = asyncio.Lock()

    async def subscribe(
        self, topics: Collection[str], after: str | None = None, types: Collection[str] = (), id: Id = 1
    ) -> Message:
        """Subscribe, and return what the server says to it; raises `Refused` or `Closed`."""
        asked = Asked(id, tuple(topics), after, tuple(types))
        return await self._subscribe(asked, asked.after)

    async def resume(self) -> list[Message]:
        """Connect anew and go on with every subscription from its last cursor; return their `subscribed` messages."""
        await self.abort()
        self._inbox.clear()
        self.closed = None
        await self.open()
        return [await self._subscribe(asked, self.cursors[asked.id]) for asked in list(self._asked.values())]

    def __aiter__(self) -> Self:
        """Iterate over the messages."""
        return self

    async def __anext__(self) -> Message:
        """Return the next message."""
        while not self._inbox:
            if self.closed is not None:
                raise StopAsyncIteration
            await self._fetch_unless(lambda: bool(self._inbox))
        message = self._inbox.popleft()
        if message.id is not None and message.cursor is not None:
            self.cursors[message.id] = message.cursor
        return message

    async def next(self, *types: str, seconds: float = PATIENCE_SECONDS) -> Message:
        """Return the next message, or the next of these types; raises `Closed` when none can come."""
        async with asyncio.timeout(seconds):
            async for message in self:
                if not types or message.type in types:
                    return message
        raise Closed(self.closed or CLOSED_ABNORMALLY)

    async def events(self, count: int, seconds: float = PATIENCE_SECONDS) -> list[dict[str, Any]]:
        """Return the next events, at least so many, however they are split into messages."""
        found: list[dict[str, Any]] = []
        while len(found) < count:
            found += (await self.next("events", seconds=seconds)).events
        return found

    def _started(self, asked: Asked, message: Message) -> Message:
        assert message.cursor is not None
        self._asked[asked.id] = asked
        self.cursors[asked.id] = message.cursor
        return message

    def _end(self, code: int) -> None:
        if self.closed is None:
            self.closed = code
            self._inbox.append(closed(code))

    async def _fetch_unless(self, done: Callable[[], bool]) -> None:
        # Several may wait for different answers on one connection: whoever has the turn reads for all.
        async with self._turn:
            if not done() and self.closed is None:
                await self._fetch()

    @abstractmethod
    async def open(self) -> None:
        """Connect."""

    @abstractmethod
    async def close(self) -> None:
        """Take leave."""

    @abstractmethod
    async def abort(self) -> None:
        """Break the connection off without a word."""

    @abstractmethod
    async def _subscribe(self, asked: Asked, after: str | None) -> Message:
        """Subscribe from the cursor on."""

    @abstractmethod
    async def _fetch(self) -> None:
        """Wait for what comes next and put it into the inbox."""


@asynccontextmanager
async def connect(
    url: str,
    transport: str = "websocket",
    *,
    key: str | None = None,
    cookie: str | None = None,
    ticket: str | None = None,
) -> AsyncIterator[Any]:
    """Open a connection to the server at this URL (`http://host:port`) and close it at the end."""
    if transport not in TRANSPORTS:
        raise ValueError(f"{transport!r} is not one of {', '.join(TRANSPORTS)}.")
    live: Live = import_module(f"clients.{transport}").Connection(url, Credentials(key, cookie, ticket))
    await live.open()
    try:
        yield live
    finally:
        await live.close()
