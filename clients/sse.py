"""The live side over Server-Sent Events: one subscription, resumed as an `EventSource` does, by `Last-Event-ID`."""

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp

from clients.http import refusal, session
from clients.live import CLOSED_ABNORMALLY, Asked, Closed, Live, Message

CLOSED_AT_ITS_END = 1000


@dataclass(frozen=True, slots=True)
class Record:
    """What a blank line ends: the kind of event, its data, the id. Without data only the id counts."""

    event: str
    data: str | None
    id: str | None


class Parser:
    """Reads records out of a stream that comes in pieces; lines end by LF or CRLF."""

    def __init__(self) -> None:
        self.retry_ms: int | None = None
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._rest = ""
        self._lines: list[tuple[str, str]] = []

    def feed(self, piece: bytes) -> Iterator[Record]:
        """Take the next piece and yield the records that it completes."""
        *lines, self._rest = (self._rest + self._decode(piece)).split("\n")
        for line in lines:
            if line := line.removesuffix("\r"):
                self._take(line)
            elif self._lines:
                yield self._record()

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "retry" and value.isdecimal():
            self.retry_ms = int(value)
        elif name in ("event", "data", "id"):
            self._lines.append((name, value))

    def _record(self) -> Record:
        last = dict(self._lines)
        data = [value for name, value in self._lines if name == "data"]
        self._lines = []
        return Record(last.get("event", "message"), "\n".join(data) if data else None, last.get("id"))


class Connection(Live):
    """A stream; it opens with its one subscription."""

    _http: aiohttp.ClientSession
    _response: aiohttp.ClientResponse | None = None

    async def open(self) -> None:
        """Make ready; the request is sent by `subscribe`."""
        self._http = session(self._credentials)

    async def close(self) -> None:
        """End the stream."""
        await self.abort()

    async def abort(self) -> None:
        """Break the stream off."""
        if self._response is not None:
            self._response.close()
        await self._http.close()

    @property
    def retry_ms(self) -> int | None:
        """Return how long the server asks an `EventSource` to wait before it comes back."""
        return self._parser.retry_ms

    async def _subscribe(self, asked: Asked, after: str | None) -> Message:
        query = {"topics": ",".join(asked.topics)} | self._credentials.query
        query |= {"after": asked.after} if asked.after is not None else {}
        query |= {"types": ",".join(asked.types)} if asked.types else {}
        headers = {"Accept": "text/event-stream"}
        headers |= {"Last-Event-ID": after} if after is not None and after != asked.after else {}
        response = await self._http.get(f"{self._url}/live/sse", params=query, headers=headers)
        if response.status != 200:
            raise await refusal(response)
        self._response, self._parser, self._id = response, Parser(), asked.id
        while not self._inbox:
            await self._fetch()
        if self.closed is not None:
            raise Closed(self.closed)
        # The first thing sent is the cursor where it starts.
        return self._started(asked, Message("subscribed", asked.id, self._inbox.popleft().cursor))

    async def _fetch(self) -> None:
        assert self._response is not None
        try:
            piece = await self._response.content.readany()
        except aiohttp.ClientError:
            self._end(CLOSED_ABNORMALLY)
            return
        if piece:
            self._inbox.extend(self._message(record) for record in self._parser.feed(piece))
        else:
            self._end(CLOSED_AT_ITS_END)

    def _message(self, record: Record) -> Message:
        if record.data is None:
            return Message("heartbeat", self._id, record.id)
        data: dict[str, Any] = json.loads(record.data)
        if record.event == "message":
            return Message("events", self._id, record.id, events=(data,))
        data = {name: value for name, value in data.items() if name not in ("type", "id", "cursor")}
        return Message(record.event, self._id, record.id, fields=data)
