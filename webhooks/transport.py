"""Sends a request to an endpoint that strangers chose, and is back in time whatever that endpoint does."""

import asyncio
import logging
import os
import socket
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong, PayloadEncodingError
from yarl import URL

from webhooks.addresses import KEPT_URLS, CheckedURL, RefusedURL, check_url, refusal
from webhooks.connector import AnswerTooLarge, BoundedConnector
from webhooks.proxy import Proxy, ProxyError, TunnelConnector
from webhooks.resolver import CheckedResolver, GetAddrInfo, GuardingResolver

logger = logging.getLogger(__name__)

USER_AGENT = "Tidewire-Webhooks/1.0"
MAX_HEADERS, MAX_HEADER_LENGTH = 64, 1000
# Most servers close an idle connection after 5 s or more; one that closes while we send costs an attempt.
KEEP_ALIVE_SECONDS = 4
# They say where the request ends and whom it is for, so a wrong one makes a second request out of the body.
CONNECTION_HEADERS = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"}
FRAMING_HEADERS = CONNECTION_HEADERS | {"content-length", "expect", "host", "transfer-encoding"}

# The first match wins: most of these kinds are also an OSError.
SENTENCES: tuple[tuple[type[BaseException], str], ...] = (
    (RefusedURL, "Refused: {detail}"),
    (ProxyError, "{detail}"),
    (aiohttp.ConnectionTimeoutError, "The endpoint did not accept the connection in time."),
    (TimeoutError, "The endpoint did not finish its answer in time."),
    (aiohttp.ClientConnectorDNSError, "The host name could not be resolved: {detail}."),
    (aiohttp.ClientConnectorCertificateError, "The endpoint's certificate is not valid: {detail}."),
    (aiohttp.ClientSSLError, "The TLS handshake failed: {detail}."),
    (aiohttp.ClientConnectorError, "The connection could not be made: {detail}."),
    (aiohttp.ServerDisconnectedError, "The endpoint closed the connection without an answer."),
    (aiohttp.ClientOSError, "The connection broke: {detail}."),
    (AnswerTooLarge, "The endpoint's answer is too large."),
    (LineTooLong, "The endpoint's answer has a header that is too large."),
    (PayloadEncodingError, "The endpoint's answer broke off or was malformed."),
    (aiohttp.ClientPayloadError, "The endpoint's answer broke off or was malformed."),
    (HttpProcessingError, "The endpoint's answer is not valid HTTP or has too many headers."),
    (aiohttp.ClientConnectionError, "The connection broke."),
    (ValueError, "The request could not be built: {detail}"),
)


@dataclass(frozen=True)
class Response:
    """What came back: a status code, or None and a sentence for people that says why not."""

    status_code: int | None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    duration_ms: int = 0
    error: str = ""
    # The fault lies on this side, so it says nothing about the endpoint.
    is_ours: bool = False


class Transport:
    """Posts to endpoints over one pool of connections; open it by `async with` in the loop that uses it."""

    def __init__(
        self,
        *,
        allow_http: bool,
        allow_private: bool,
        total_seconds: float = 15.0,
        connect_seconds: float = 5.0,
        max_body_bytes: int = 16_384,
        limit: int = 100,
        ssl_context: ssl.SSLContext | None = None,
        getaddrinfo: GetAddrInfo = socket.getaddrinfo,
        proxy_url: str = "",
    ) -> None:
        self._allow_http = allow_http
        self._allow_private = allow_private
        self._total_seconds = total_seconds
        self._connect_seconds = connect_seconds
        self._max_body_bytes = max_body_bytes
        self._limit = limit
        self._ssl_context = ssl_context
        self._getaddrinfo = getaddrinfo
        self._proxy = Proxy.parse(proxy_url) if proxy_url else None

    async def __aenter__(self) -> "Transport":
        # Waiting for a free place is our own delay, so it must not eat the endpoint's deadline.
        self._places = asyncio.Semaphore(self._limit)
        # Look-ups that hang outlive their request, so a few bad name servers must not fill all threads.
        self._threads = ThreadPoolExecutor(2 * self._limit, thread_name_prefix="webhook-dns")
        self._session = aiohttp.ClientSession(
            connector=self._connector(),
            headers={"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_seconds),
            trust_env=False,
            auto_decompress=False,
            read_bufsize=self._max_body_bytes,
            max_line_size=8190,
            max_field_size=8190,
            max_headers=128,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        # Nobody waits any more for the look-ups that still hang.
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Response:
        """Returns the endpoint's answer, or the reason why there is none; no network failure raises."""
        async with self._places:
            started = time.monotonic()
            answer: tuple[int | None, dict[str, str], str] = (None, {}, "")
            error, is_ours = "", False
            try:
                async with asyncio.timeout(self._total_seconds):
                    answer = await self._exchange(url, headers, body)
            # A stranger's answer that trips an unknown fault must be recorded too, else it is sent for ever.
            except Exception as fault:  # noqa: BLE001
                error, is_ours = _sentence(fault)
            return Response(*answer, round((time.monotonic() - started) * 1000), error, is_ours)

    async def _exchange(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int | None, dict[str, str], str]:
        # The connector asks no resolver about a literal address, so the URL is checked on each request.
        checked = check_url(url, allow_http=self._allow_http, allow_private=self._allow_private)
        for name in headers:
            if name.lower() in FRAMING_HEADERS:
                raise ValueError(f"the header {name} cannot be set.")
        answer = await self._session.post(_target(checked), headers=headers, data=body, allow_redirects=False)
        try:
            text = await self._read(answer.content)
        finally:
            # Does nothing after the whole answer was read: then the connection went back to the pool.
            answer.close()
        return answer.status, _bounded(answer.headers), text

    async def _read(self, content: aiohttp.StreamReader) -> str:
        # Nothing is decompressed, so what is read is what the network brought and a bomb stays small.
        kept = bytearray()
        while missing := self._max_body_bytes - len(kept):
            chunk = await content.read(missing)
            if not chunk:
                break
            kept += chunk
        return kept.decode(errors="replace").replace("\x00", "")

    def _connector(self) -> aiohttp.TCPConnector:
        resolver = GuardingResolver if self._proxy else CheckedResolver
        options: dict[str, Any] = {
            "resolver": resolver(
                allow_private=self._allow_private, getaddrinfo=self._getaddrinfo, threads=self._threads
            ),
            "use_dns_cache": False,
            "socket_factory": self._checked_socket,
            "ssl": self._ssl_context or True,
            "limit": 0,
            "keepalive_timeout": KEEP_ALIVE_SECONDS,
        }
        return TunnelConnector(self._proxy, **options) if self._proxy else BoundedConnector(**options)

    def _checked_socket(self, info: tuple[Any, ...]) -> socket.socket:
        # Every connection passes here with the address it will use, however the HTTP client came to it.
        kind, type_, protocol, _, address = info
        if reason := refusal(address[0], allow_private=self._allow_private):
            raise RefusedURL(f"the host name leads to {reason}.")
        return socket.socket(kind, type_, protocol)


@lru_cache(maxsize=KEPT_URLS)
def _target(checked: CheckedURL) -> URL:
    return URL(checked.url, encoded=True)


def _bounded(headers: Mapping[str, str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name, value in islice(headers.items(), MAX_HEADERS):
        name = _clean(name.lower())
        kept[name] = _clean(f"{kept[name]}, {value}" if name in kept else value)
    return kept


def _clean(text: str) -> str:
    # The HTTP client keeps broken UTF-8 as lone surrogates, which PostgreSQL takes as little as NUL.
    return text.encode(errors="replace").decode().replace("\x00", "")[:MAX_HEADER_LENGTH]


def _sentence(error: Exception) -> tuple[str, bool]:
    """Return what is said of a failure, and whether it is a fault of this side."""
    cause: BaseException = error
    while isinstance(cause.__cause__, HttpProcessingError):
        cause = cause.__cause__
    for kind, sentence in SENTENCES:
        if isinstance(cause, kind):
            is_ours = cause.is_ours if isinstance(cause, ProxyError) else kind is ValueError
            return _clean(sentence.format(detail=_detail(cause))), is_ours
    logger.error("A webhook failed in an unknown way.", exc_info=error)
    return "The request failed for a reason that is ours; it has been logged.", True


def _detail(error: BaseException) -> str:
    # The words of asyncio are not used: they name the address that the host name led to.
    cause = getattr(error, "os_error", None) or getattr(error, "certificate_error", error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return cause.verify_message.rstrip(".")
    if isinstance(cause, ssl.SSLError):
        return (cause.reason or "unknown").replace("_", " ").lower()
    if isinstance(cause, socket.gaierror):
        return str(cause.strerror).lower()
    if isinstance(cause, OSError):
        return os.strerror(cause.errno).lower() if cause.errno else "no address answered"
    return str(cause)
