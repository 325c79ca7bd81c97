"""Looks host names up for the HTTP client, and judges every answer before a connection is made to it."""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from webhooks.addresses import RefusedURL, refusal

# So long our own name servers are asked about a name that the proxy will look up anyway.
GUARD_SECONDS = 1.0

GetAddrInfo = Callable[..., list[tuple[Any, ...]]]


class CheckedResolver(AbstractResolver):
    """Gives the connector the very answers that were checked, so that a second look-up cannot change them."""

    def __init__(self, *, allow_private: bool, getaddrinfo: GetAddrInfo, threads: ThreadPoolExecutor) -> None:
        self._allow_private = allow_private
        self._getaddrinfo = getaddrinfo
        self._threads = threads

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Returns all addresses of the host, or raises RefusedURL when one of them is refused."""
        answers = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._getaddrinfo, host, port, family, socket.SOCK_STREAM
        )
        for *_, address in answers:
            # The address itself is left out: it would tell strangers what our own name servers know.
            if reason := refusal(address[0], allow_private=self._allow_private):
                raise RefusedURL(f"the host name leads to {reason}.")
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=address[0], port=port, family=kind, proto=protocol, flags=flags)
            for kind, _, protocol, _, address in answers
        ]

    async def close(self) -> None:
        """Has nothing to close: the threads belong to the transport."""


class GuardingResolver(CheckedResolver):
    """Leaves names to a proxy, unless our own name servers already know that they lead where nothing may go."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Returns the name itself, or raises RefusedURL."""
        try:
            async with asyncio.timeout(GUARD_SECONDS):
                await super().resolve(host, port, family)
        except OSError:
            pass  # Behind a proxy there is often no name server for the names of the internet.
        return [ResolveResult(hostname=host, host=host, port=port, family=socket.AF_INET, proto=0, flags=0)]
