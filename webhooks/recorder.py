"""The recorder of a sender: writes down what landed, as much at a time as has come meanwhile, and loses none of it."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from webhooks import results
from webhooks.claims import Row, Unsent
from webhooks.models import Endpoint
from webhooks.outcomes import Outcome
from webhooks.results import Turn
from webhooks.sessions import Session

logger = logging.getLogger(__name__)

# Records follow each other no faster: a moment later each takes more at a time.
PAUSE_SECONDS = 0.005
RETRY_SECONDS = 1.0
# Who changes a delivery or an endpoint holds its row for a moment, who deletes many for longer.
HELD_SECONDS = 0.1

Finished = Outcome | Unsent


class Recorder:
    """Writes until it is ended; `written` is told what was written, and what came of it."""

    def __init__(self, written: Callable[[Sequence[Finished], Turn], None]) -> None:
        self._written = written
        self._done: list[Finished] = []
        self._back: list[Row] = []
        # Endpoints that are known to have failed: a success changes them.
        self._troubled: set[int] = set()
        self._news = asyncio.Event()
        self._ending = False
        self._session = Session("results")

    def finish(self, one: Finished) -> None:
        """Take what became of a claimed delivery."""
        self._done.append(one)
        self._news.set()

    def give_back(self, rows: Sequence[Row]) -> None:
        """Take what was claimed and is not tried after all."""
        self._back += rows
        self._news.set()

    def end(self) -> None:
        """End when what is there has been written down."""
        self._ending = True
        self._news.set()

    async def run(self) -> None:
        """Write what comes."""
        try:
            while not self._ending or self._done or self._back:
                await self._news.wait()
                if not self._ending:
                    await asyncio.sleep(PAUSE_SECONDS)
                self._news.clear()
                await self._write()
        finally:
            await self._session.close()

    async def _write(self) -> None:
        """Write down what there is; trouble of the database is waited out, but not at the end: leases end too."""
        back, self._back = self._back, []
        done, self._done = self._done, []
        while back or done:
            try:
                turn = await self._session.do(self._record, back, done)
            except Exception as error:  # noqa: BLE001  it outlives the database
                logger.warning("%s results could not be written down (%r).", len(done), error)
                if self._ending:
                    return
                await self._session.renew()
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._note(turn.changed)
            if turn.later:
                asyncio.get_running_loop().call_later(HELD_SECONDS, self._again, turn.later)
            later = {id(one) for one in turn.later}
            return self._written([one for one in done if id(one) not in later], turn)

    def _again(self, later: Sequence[Finished]) -> None:
        """Take once more what could not be written because somebody held its row."""
        for one in later:
            self.finish(one)

    def _record(self, back: Sequence[Row], done: Sequence[Finished]) -> Turn:
        if back:
            results.give_back(back)
        return results.record(done, self._troubled) if done else Turn({}, [])

    def _note(self, changed: dict[int, Endpoint]) -> None:
        for pk, endpoint in changed.items():
            (self._troubled.add if endpoint.failures_in_row else self._troubled.discard)(pk)
