"""The floor: what the kernel alone takes to send one event to many sockets, whatever server stands above it.

It answers every handshake, listens to nothing that a client says, and writes each message of one Valkey channel, as one
frame, to every socket: a loop around `send`, and no less could be done.
"""

import os
import socket
import sys
import threading

import redis

CHANNEL = "benchmarks.bare"
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def accept(listener: socket.socket, clients: list[socket.socket]) -> None:
    """Take every client that comes."""
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not client.recv(4096):
            continue
        client.send(ACCEPTED)
        client.setblocking(False)
        clients.append(client)


def frame(text: bytes) -> bytes:
    """Return the text as a server's frame."""
    head = bytes([0x81, len(text)]) if len(text) < 126 else b"\x81\x7e" + len(text).to_bytes(2, "big")
    return head + text


def main(port: int) -> None:
    """Serve until killed."""
    clients: list[socket.socket] = []
    with (
        redis.Redis.from_url(os.environ["REDIS_URL"]).pubsub() as heard,
        socket.create_server(("127.0.0.1", port), backlog=1024) as listener,
    ):
        heard.subscribe(CHANNEL)
        threading.Thread(target=accept, args=(listener, clients), daemon=True).start()
        for message in heard.listen():
            if message["type"] == "message":
                sent = frame(message["data"])
                for client in clients:
                    client.send(sent)


if __name__ == "__main__":
    main(int(sys.argv[1]))
