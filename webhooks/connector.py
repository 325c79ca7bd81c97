"""Connections to endpoints that take no more bytes for one answer than an honest answer can have."""

from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

# More than the largest headers that are taken; a long body is left unread, so an honest answer never comes near.
MAX_ANSWER_BYTES = 2_097_152


class AnswerTooLarge(Exception):
    """An endpoint sends without end what is neither header nor body."""


class BoundedHandler(ResponseHandler):
    """Gives a connection up that is flooded by what the parser takes without keeping, such as chunk extensions."""

    _left = MAX_ANSWER_BYTES

    def set_response_params(self, **parameters: Any) -> None:
        """Begin to count anew for the next answer."""
        self._left = MAX_ANSWER_BYTES
        super().set_response_params(**parameters)

    def data_received(self, data: bytes) -> None:
        """Take bytes while there may be more."""
        self._left -= len(data)
        if self._left >= 0:
            return super().data_received(data)
        payload, transport = self._payload, self.transport
        self.set_exception(AnswerTooLarge())
        if payload is not None:
            payload.set_exception(AnswerTooLarge())
        if transport is not None:
            transport.abort()


class BoundedConnector(aiohttp.TCPConnector):
    """Opens such connections."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = partial(BoundedHandler, loop=self._loop)  # type: ignore[assignment]
