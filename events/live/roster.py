"""The roster: who is connected to this process. It keeps the bounds, beats the hearts, ends lives, and drains."""

import asyncio
import logging
import math
import random
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings

from events.live.attention import Attention
from events.live.connection import CLOSE_RESTART, Connection
from events.live.hub import Hub, current_hub
from events.live.presence import Presence
from events.live.wait import dismiss_waiters

logger = logging.getLogger(__name__)

# Hearts beat in so many groups, one after the other, so that the work is spread over the period.
GROUPS = 25
RECHECK_SECONDS = 60.0
# A life is the maximum, or up to this much less: those who came together do not leave together.
LIFE_SPREAD = 0.5


class Full(Exception):
    """This client's address or user has as many connections as it may have, or the process takes nobody."""


class Roster:
    """The connections of one process."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.is_draining = False
        self._groups: list[set[Connection]] = [set() for _ in range(GROUPS)]
        self._turn = 0
        self._count: Counter[str] = Counter()
        self.presence = Presence()
        self._attention = Attention()
        self._beating = asyncio.create_task(self._beat())

    def __len__(self) -> int:
        """Return how many are connected."""
        return sum(map(len, self._groups))

    def __iter__(self) -> Iterator[Connection]:
        """Yield every connection."""
        for group in self._groups:
            yield from list(group)

    @contextmanager
    def admit(self, connection: Connection) -> Iterator[None]:
        """Let a connection in until the end of the block, or raise `Full`."""
        names = self._names(connection)
        try:
            if any(self._count[name] >= limit for name, limit in names.items() if limit):
                raise Full
            self._count.update(names.keys())
            group = self._enter(connection)
            connection.on_topics(self._topics_changed)
            try:
                yield
            finally:
                group.discard(connection)
                for name in names:
                    self._count[name] -= 1
                    if not self._count[name]:
                        del self._count[name]
        finally:
            connection.close()

    def _topics_changed(self, user: Any, before: Collection[str], after: Collection[str]) -> None:
        self.presence.change(user, before, after)
        self._attention.change(before, after)

    def _names(self, connection: Connection) -> dict[str, int]:
        principal = connection.principal
        user = principal.user.pk
        return {f"address {principal.address}": settings.TIDEWIRE_ADDRESS_MAX_CONNECTIONS} | (
            {f"user {user}": settings.TIDEWIRE_USER_MAX_CONNECTIONS} if user is not None else {}
        )

    def _enter(self, connection: Connection) -> set[Connection]:
        now = asyncio.get_running_loop().time()
        life = (settings.TIDEWIRE_CONNECTION_MAX_SECONDS or math.inf) * random.uniform(1 - LIFE_SPREAD, 1)
        connection.retire_at = now + life
        connection.recheck_at = now + RECHECK_SECONDS
        group = self._groups[self._turn - 1]  # whose turn is the last one from now
        group.add(connection)
        if self.is_draining:
            # After the welcome; and not at once again, to this process perhaps.
            pause = random.uniform(0, settings.TIDEWIRE_DRAIN_SECONDS)
            asyncio.get_running_loop().call_soon(partial(connection.retire, pause, served=False))
        return group

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(settings.TIDEWIRE_HEARTBEAT_SECONDS / GROUPS)
            group = self._groups[self._turn]
            self._turn = (self._turn + 1) % GROUPS
            now = asyncio.get_running_loop().time()
            for connection in list(group):
                try:
                    self._look_at(connection, now)
                except Exception:
                    logger.exception("A connection could not be looked after.")

    def _look_at(self, connection: Connection, now: float) -> None:
        if connection.outlet.busy_seconds() > settings.TIDEWIRE_STALLED_SECONDS:
            connection.outlet.drop()
            connection.end(CLOSE_RESTART)
        elif now > connection.retire_at:
            connection.retire_at = float("inf")
            connection.retire(random.uniform(0, settings.TIDEWIRE_HEARTBEAT_SECONDS))
        else:
            connection.beat()
        if now > connection.recheck_at:
            connection.recheck_at = now + RECHECK_SECONDS
            connection.look_again()

    async def drain(self, seconds: float) -> None:
        """Send everyone away, spread over so many seconds, and return when all have left or the time is over."""
        self.is_draining = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        dismiss_waiters(self.hub, seconds * 0.8)
        for connection in self:
            connection.retire(random.uniform(0, seconds * 0.8))
        while len(self) and loop.time() < deadline:
            await asyncio.sleep(0.05)

    def is_of(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Say whether it lives on this event loop."""
        return self._beating.get_loop() is loop

    async def stop(self) -> None:
        """Look after nobody any more."""
        self._beating.cancel()
        await asyncio.gather(self._beating, return_exceptions=True)
        await self.presence.stop()
        await self._attention.stop()


_rosters: WeakKeyDictionary[Hub, Roster] = WeakKeyDictionary()


async def current_roster() -> Roster:
    """Return the roster of this process (of this event loop), with its hub, starting both at the first call."""
    hub = await current_hub()
    if hub not in _rosters:
        _rosters[hub] = Roster(hub)
    return _rosters[hub]


async def drain_roster(seconds: float) -> None:
    """Send everyone on this event loop away; without a hub nobody is here."""
    for hub in _on_this_loop():
        await _rosters[hub].drain(seconds)


async def stop_roster() -> None:
    """Stop the roster of this event loop, if there is one."""
    for hub in _on_this_loop():
        await _rosters.pop(hub).stop()


def _on_this_loop() -> list[Hub]:
    return [hub for hub, roster in _rosters.items() if roster.is_of(asyncio.get_running_loop())]
