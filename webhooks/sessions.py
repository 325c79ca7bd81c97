"""Sessions with the database, each in a thread of its own: what has to be quick speaks to the driver itself."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from weakref import WeakSet

import psycopg
from django.db import connection

T = TypeVar("T")

# The sessions that have been told how to plan.
_told: WeakSet[psycopg.Connection] = WeakSet()


def current() -> psycopg.Connection:
    """Return this thread's session with the database; statements on a cursor of psycopg's own are prepared there."""
    connection.ensure_connection()
    raw: psycopg.Connection = connection.connection
    if raw not in _told:
        _told.add(raw)
        # Tables grow from nothing in a moment, and a plan that reads all of one is never the right one here.
        raw.execute("SET enable_seqscan = off")
    return raw


class Session:
    """A thread for work with the database: its connection is its own, and closed with it."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def do(self, work: Callable[..., T], *values: Any) -> T:
        """Do the work there."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *values)

    async def renew(self) -> None:
        """Give up its connection; the next work has another."""
        # Found there: each thread has a connection of its own by the same name.
        await self.do(lambda: connection.close())

    async def close(self) -> None:
        """End the thread and its connection."""
        await self.renew()
        self._thread.shutdown()
