"""A receiver of webhooks that does as little as can be: `python -m benchmarks.sink`, started by `benchmarks.webhooks`.

Keeps connections, answers `/ok/…` by 200, `/fail/…` by 500 and `/hang/…` never, and notes when each event came.
Prints its port at once, and one JSON object when its input ends.
"""

import asyncio
import json
import re
import sys
import time

import uvloop

NUMBER = re.compile(rb'"number":\s*(\d+)')
LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
ANSWERS = {
    b"/ok/": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"/fail": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
}

got: dict[bytes, list[tuple[int, float]]] = {b"/ok/": [], b"/fail": [], b"/hang": []}


class Sink(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport, self._buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._buffer += data
        while (head := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = LENGTH.search(self._buffer, 0, head)
            end = head + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < end:
                return
            self._take(self._buffer[:end])
            self._buffer = self._buffer[end:]

    def _take(self, request: bytes) -> None:
        kind = next(kind for kind in got if request.startswith(kind, 5))
        number = NUMBER.search(request)
        got[kind].append((int(number[1]) if number else -1, time.perf_counter()))
        if kind in ANSWERS:
            self._transport.write(ANSWERS[kind])


async def main() -> None:
    """Serve until the input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    print(json.dumps({"got": {kind.decode(): some for kind, some in got.items()}, "cpu": time.process_time()}))


if __name__ == "__main__":
    uvloop.run(main())
