"""Thousands of WebSockets in one process, at the least cost: raw bytes, read by epoll, and events counted in them.

Nothing is parsed. An event has the same first words on every server, so their number is that of the events; whoever
wants more (`keep`) has the bytes afterwards.
"""

import errno
import os
import re
import select
import socket
import struct
import time
from collections import deque
from collections.abc import MutableSequence
from dataclasses import dataclass, replace

MARK = b'"specversion"'
SUBSCRIBED = b'"type":"subscribed"'
REFUSED = b'"type":"error"'
CURSOR = re.compile(rb'"specversion".*?"cursor":"[a-z0-9]+-(\d+)"', re.DOTALL)
BUFFER_BYTES = 256 * 1024
RETRY_SECONDS = 0.1
AWAY = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE)
# Closing by a reset: as a client that vanishes, and no port of this side has to wait for its end.
RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Plan:
    """Where to connect, what each connection then asks (in turn; none: it only listens), how many open at once.

    `{}` in the path is the connection's number.
    """

    port: int
    path: str = "/"
    frames: tuple[str, ...] = ()
    at_once: int = 200
    keep: bool = False

    def at(self, port: int) -> "Plan":
        """Return the same plan for a server at this port."""
        return replace(self, port=port)


class Reader:
    """One connection: its handshake, then its bytes."""

    __slots__ = ("asked", "index", "kept", "phase", "rest", "socket", "tail")

    def __init__(self, index: int) -> None:
        self.index = index
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.phase = "connecting"
        self.rest = self.tail = b""
        self.kept = bytearray()


class Swarm:
    """All connections; `counts` says how many events each has got, `totals` how many are open and the bytes read."""

    def __init__(self, plan: Plan, counts: MutableSequence[int], totals: MutableSequence[int]) -> None:
        self._plan, self._counts, self._totals = plan, counts, totals
        self._epoll = select.epoll()
        self._readers: dict[int, Reader] = {}
        self._waiting = deque(range(len(counts)))
        self._opening = 0
        self._pause_until = 0.0
        self._buffer = bytearray(BUFFER_BYTES)

    def turn(self, seconds: float) -> None:
        """Open what may be opened now, and take what has come, waiting at most so long for it."""
        while self._waiting and self._opening < self._plan.at_once and time.monotonic() >= self._pause_until:
            self._connect(self._waiting.popleft())
        for number, _ in self._epoll.poll(min(seconds, RETRY_SECONDS) if self._waiting else seconds, 1024):
            reader = self._readers[number]
            try:
                self._receive(reader) if reader.phase != "connecting" else self._upgrade(reader)
            except OSError as error:
                self._lost(reader, error)

    def positions(self) -> list[list[int]]:
        """Return the positions of the events that each connection has got; they must have been kept."""
        found = [[] for _ in self._counts]
        for reader in self._readers.values():
            found[reader.index] = [int(position) for position in CURSOR.findall(reader.kept)]
        return found

    def drop(self) -> None:
        """Break all connections off."""
        for reader in self._readers.values():
            reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            reader.socket.close()
        self._readers.clear()
        self._epoll.close()

    def _connect(self, index: int) -> None:
        reader = Reader(index)
        self._opening += 1
        self._readers[reader.socket.fileno()] = reader
        self._epoll.register(reader.socket, select.EPOLLOUT)
        result = reader.socket.connect_ex(("127.0.0.1", self._plan.port))
        if result not in (0, errno.EINPROGRESS):
            self._lost(reader, OSError(result, os.strerror(result)))

    def _upgrade(self, reader: Reader) -> None:
        if error := reader.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        host = f"127.0.0.1:{self._plan.port}"
        lines = [
            f"GET {self._plan.path.format(reader.index)} HTTP/1.1",
            f"Host: {host}",
            "Connection: Upgrade",
            "Upgrade: websocket",
        ]
        lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", ""]
        reader.socket.send("\r\n".join(lines).encode())
        reader.phase = "upgrading"
        self._epoll.modify(reader.socket, select.EPOLLIN)

    def _receive(self, reader: Reader) -> None:
        size = reader.socket.recv_into(self._buffer)
        if not size:
            raise OSError(errno.ECONNRESET, "closed by the server")
        if reader.phase == "reading":
            self._count(reader, size)
        else:
            reader.rest += self._buffer[:size]
            self._greet(reader)

    def _greet(self, reader: Reader) -> None:
        head, ended, rest = reader.rest.partition(b"\r\n\r\n")
        if reader.phase == "upgrading" and ended:
            if b" 101 " not in head:
                raise SystemExit(f"A handshake was refused: {reader.rest[:300]!r}")
            reader.phase, reader.rest = "subscribing", rest
            if frames := self._plan.frames:
                reader.socket.send(masked(frames[reader.index % len(frames)]))
        if reader.phase == "subscribing" and (SUBSCRIBED in reader.rest or not self._plan.frames):
            reader.phase = "reading"
            self._opening -= 1
            self._totals[0] += 1
            self._buffer[: len(reader.rest)] = reader.rest
            self._count(reader, len(reader.rest))
        elif REFUSED in reader.rest:
            raise SystemExit(f"A subscription was refused: {reader.rest[-300:]!r}")

    def _count(self, reader: Reader, size: int) -> None:
        # A mark that two reads have cut in half is in the seam of both.
        seam = reader.tail + self._buffer[: min(size, len(MARK) - 1)]
        found = self._buffer.count(MARK, 0, size) + seam.count(MARK)
        reader.tail = bytes((reader.tail + self._buffer[max(0, size - len(MARK) + 1) : size])[1 - len(MARK) :])
        if found:
            self._counts[reader.index] += found
        self._totals[1] += size
        if self._plan.keep:
            reader.kept += self._buffer[:size]

    def _lost(self, reader: Reader, error: OSError) -> None:
        if reader.phase == "reading":
            raise SystemExit(f"A connection was lost while it was reading: {error}")
        if error.errno not in AWAY:
            raise error
        # The server is not there yet, or not again.
        del self._readers[reader.socket.fileno()]
        reader.socket.close()
        self._opening -= 1
        self._waiting.append(reader.index)
        self._pause_until = time.monotonic() + RETRY_SECONDS


def masked(text: str) -> bytes:
    """Return a client's text frame; the mask is zero, so that the text is its own masked form."""
    data = text.encode()
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
    return b"\x81" + length + bytes(4) + data
