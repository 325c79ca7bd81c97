"""Endpoints that answer as a test wants, byte by byte, and requests to them through the real transport."""

import asyncio
import socket
from contextlib import asynccontextmanager
from types import SimpleNamespace

from webhooks.transport import Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def transport(**options):
    return Transport(**{"allow_http": True, "allow_private": True, **options})


async def read_request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0].split(b":")[1]))


@asynccontextmanager
async def endpoint(answer, *, tls=None):
    """A server that gives each request the bytes of `answer`, or lets it write what and how it likes."""
    seen = SimpleNamespace(connections=0, requests=[])

    async def serve(reader, writer):
        seen.connections += 1
        try:
            while True:
                seen.requests.append(await read_request(reader))
                if callable(answer):
                    await answer(writer)
                    break
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    seen.port, seen.url = port, f"{'https' if tls else 'http'}://127.0.0.1:{port}/hook"
    async with server:
        yield seen


async def post(url, *, body=b"{}", headers=None, **options):
    async with transport(**options) as opened:
        return await opened.post(url, headers=headers or {}, body=body)


def answers(*addresses):
    """A getaddrinfo that gives the next list of addresses at each call, and keeps count."""
    calls = []

    def getaddrinfo(host, port, family=0, type=0):
        calls.append(host)
        given = addresses[min(len(calls), len(addresses)) - 1]
        kinds = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in given]
        return [(kind, type, 6, "", (address, port)) for kind, address in zip(kinds, given, strict=True)]

    getaddrinfo.calls = calls
    return getaddrinfo


async def drip(writer, head):
    writer.write(head)
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


@asynccontextmanager
async def connect_proxy(answer=b"HTTP/1.1 200 Connection established\r\n\r\n", *, leads_to=None):
    """A proxy that answers CONNECT with these bytes and, when they begin with 2xx, tunnels to a port here."""
    seen = SimpleNamespace(connections=0, requests=[])

    async def pour(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def serve(reader, writer):
        seen.connections += 1
        try:
            seen.requests.append(await reader.readuntil(b"\r\n\r\n"))
            if callable(answer):
                return await answer(writer)
            writer.write(answer)
            await writer.drain()
            if answer[9:10] == b"2":
                beyond = await asyncio.open_connection("127.0.0.1", leads_to)
                await asyncio.gather(pour(reader, beyond[1]), pour(beyond[0], writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen.port = server.sockets[0].getsockname()[1]
    seen.url = f"http://127.0.0.1:{seen.port}"
    async with server:
        yield seen
