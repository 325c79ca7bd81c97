"""The way out through an egress proxy: a tunnel by HTTP CONNECT, in which the endpoint is spoken to as if directly."""

import asyncio
import base64
import os
import re
import socket
import ssl
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from webhooks.connector import BoundedConnector

MAX_HEAD_BYTES = 16_384
# What a proxy says when it could not reach, or may not reach, where it was told to go; the rest is about itself.
UNREACHED, REFUSED = {502, 503, 504}, {403, 404, 410, 451}
MALFORMED = "The proxy must be written as http://host:port or http://user:password@host:port."

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})[ \r]")


class ProxyError(Exception):
    """Says in a sentence what the proxy did, and whether that is a fault of ours or of where it was to go."""

    def __init__(self, sentence: str, *, is_ours: bool = True) -> None:
        super().__init__(sentence)
        self.is_ours = is_ours


@dataclass(frozen=True)
class Proxy:
    """A proxy's place, and what it is told to let us through."""

    host: str
    port: int
    authorization: str = ""

    @classmethod
    def parse(cls, url: str) -> "Proxy":
        """Read a URL, or raise a ValueError that holds no password."""
        parts, port = _split(url)
        if parts.scheme != "http" or not parts.hostname or not port:
            raise ValueError(MALFORMED)
        if parts.path.strip("/") or parts.query or parts.fragment or re.search(r"[^!-~]", url):
            raise ValueError(MALFORMED)
        if parts.username is None:
            return cls(parts.hostname, port)
        credentials = b":".join(unquote_to_bytes(text or "") for text in (parts.username, parts.password))
        return cls(parts.hostname, port, "Basic " + base64.b64encode(credentials).decode())

    def request(self, host: str, port: int) -> bytes:
        """Return the bytes that ask for a tunnel."""
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        return "\r\n".join([*lines, "", ""]).encode()


class Place(NamedTuple):
    """Where a tunnel leads."""

    host: str
    port: int


class TunnelConnector(BoundedConnector):
    """Makes each connection through a proxy; the HTTP client above it sees the endpoint alone."""

    def __init__(self, proxy: Proxy, **options: Any) -> None:
        super().__init__(**options)
        self._proxy = proxy

    # The one seam of the HTTP client at which a socket becomes a connection: its own support of proxies sends plain
    # http without a tunnel, where a proxy's refusal looks like the endpoint's answer.
    async def _wrap_create_connection(self, *args: Any, addr_infos: list, req: Any, timeout: Any, **kwargs: Any) -> Any:
        kwargs.pop("client_error", None)
        opened = await self._reach_proxy(timeout.sock_connect)
        try:
            async with asyncio.timeout(timeout.sock_connect):
                await self._ask(opened, Place(*addr_infos[0][4][:2]))
                return await self._loop.create_connection(*args, **kwargs, sock=opened)
        except OSError as error:
            opened.close()
            known = _as_known(error, req.connection_key)
            if known is error:
                raise
            raise known from error
        except BaseException:
            opened.close()
            raise

    async def _reach_proxy(self, seconds: float | None) -> socket.socket:
        try:
            async with asyncio.timeout(seconds):
                return await self._connect()
        except TimeoutError as error:
            raise ProxyError("The egress proxy did not accept the connection in time.") from error
        except OSError as error:
            # Errors of look-ups have numbers of their own, below 0.
            number = error.errno or 0
            reason = os.strerror(number).lower() if number > 0 else "its name is unknown"
            raise ProxyError(f"The egress proxy could not be reached: {reason}.") from error

    async def _connect(self) -> socket.socket:
        found = await self._loop.getaddrinfo(self._proxy.host, self._proxy.port, type=socket.SOCK_STREAM)
        last: OSError = OSError()
        for family, type_, protocol, _, address in found:
            opened = socket.socket(family, type_, protocol)
            opened.setblocking(False)
            try:
                await self._loop.sock_connect(opened, address)
                return opened
            except OSError as error:
                opened.close()
                last = error
            except BaseException:
                opened.close()
                raise
        raise last

    async def _ask(self, opened: socket.socket, place: Place) -> None:
        try:
            await self._loop.sock_sendall(opened, self._proxy.request(*place))
            head = await self._read_head(opened)
        except ConnectionError as error:
            raise ProxyError("The egress proxy closed the connection.") from error
        if problem := _problem(head):
            raise problem
        if not head.endswith(b"\r\n\r\n"):
            raise HttpProcessingError(message="The endpoint spoke before it was asked.")

    async def _read_head(self, opened: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head:
            if len(head) > MAX_HEAD_BYTES:
                raise ProxyError("The egress proxy gave no valid answer.")
            more = await self._loop.sock_recv(opened, 4096)
            if not more:
                raise ProxyError("The egress proxy closed the connection.")
            head += more
        return head


def _problem(head: bytes) -> ProxyError | None:
    """Return what an answer to CONNECT says against the tunnel, None when it is open."""
    found = _STATUS.match(head)
    if found is None:
        return ProxyError("The egress proxy gave no valid answer.")
    status = int(found[1])
    if 200 <= status < 300:
        return None
    if status in UNREACHED:
        return ProxyError(f"The egress proxy could not reach the endpoint ({status}).", is_ours=False)
    if status in REFUSED:
        return ProxyError(f"The egress proxy refuses to go to the endpoint ({status}).", is_ours=False)
    if status == 407:
        return ProxyError("The egress proxy did not accept our credentials (407).")
    return ProxyError(f"The egress proxy made no connection ({status}).")


def _as_known(error: OSError, key: Any) -> OSError:
    """Return a failure inside the tunnel as the HTTP client would have named it."""
    if isinstance(error, ssl.CertificateError):
        return aiohttp.ClientConnectorCertificateError(key, error)
    if isinstance(error, ssl.SSLError):
        return aiohttp.ClientConnectorSSLError(key, error)
    return error if isinstance(error, TimeoutError) else aiohttp.ClientConnectorError(key, error)


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:
        # Without "from None" the traceback in a log could show the password.
        raise ValueError(MALFORMED) from None
