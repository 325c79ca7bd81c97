"""What each of many connections does: where it goes, what it asks, in bytes."""

import struct
from dataclasses import dataclass, replace


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

    def request(self, index: int) -> bytes:
        """Return the opening handshake of a connection."""
        lines = [f"GET {self.path.format(index)} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Upgrade: websocket"]
        lines += ["Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        return "\r\n".join([*lines, "", ""]).encode()


def masked(text: str) -> bytes:
    """Return a client's text frame; the mask is zero, so that the text is its own masked form."""
    data = text.encode()
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
    return b"\x81" + length + bytes(4) + data
