"""Attention: which topics of notices somebody reads through this process, shown to those who would tell."""

import asyncio
from collections import Counter
from collections.abc import Collection
from contextlib import suppress

from events import notices

RENEW_SECONDS = 3.0


class Attention:
    """How many connections of this process read each topic of notices."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def change(self, before: Collection[str], after: Collection[str]) -> None:
        """Take notice that a connection reads other topics than before."""
        for topic in set(after) - set(before):
            if notices.are_told_on(topic):
                self._count[topic] += 1
                self._changed.set()
        for topic in set(before) - set(after):
            if notices.are_told_on(topic):
                self._count[topic] -= 1
                if not self._count[topic]:
                    del self._count[topic]

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW_SECONDS if self._count else None):
                    await self._changed.wait()
            self._changed.clear()
            await asyncio.to_thread(notices.show_read, list(self._count))

    async def stop(self) -> None:
        """Show nothing more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
