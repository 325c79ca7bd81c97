"""Flights: the tries of one sender that are on their way, and what may fly beside them."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from webhooks import message
from webhooks.claims import Job
from webhooks.lanes import Lane
from webhooks.outcomes import Outcome
from webhooks.recorder import Recorder
from webhooks.transport import Response, Transport

logger = logging.getLogger(__name__)


class Flights:
    """Lets fly of all lanes what may, at most `limit` at once; how each went goes to the recorder."""

    transport: Transport

    def __init__(self, lanes: Mapping[int, Lane], recorder: Recorder, limit: int) -> None:
        self._lanes, self._recorder, self._limit = lanes, recorder, limit
        self._flying: set[asyncio.Task[None]] = set()
        self._closed = False

    def start(self, lane: Lane) -> None:
        """Let fly of a lane what may."""
        while lane.queue and not self._closed and (free := self._limit - len(self._flying)) > 0:
            job = lane.next(is_short=free < self._limit / 2)
            if job is None:
                break
            task = asyncio.create_task(self._fly(lane, job))
            self._flying.add(task)
            task.add_done_callback(self._flying.discard)
        if lane.queue and (wait := lane.wait_seconds()):
            asyncio.get_running_loop().call_later(wait, self.start, lane)

    def close(self) -> None:
        """Let nothing more fly."""
        self._closed = True

    async def landed(self, seconds: float) -> bool:
        """Wait so long; say whether nothing flies any more."""
        if self._flying:
            await asyncio.wait(set(self._flying), timeout=seconds)
        return not self._flying

    async def break_off(self) -> None:
        """End what still flies; others try it again."""
        late = list(self._flying)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _fly(self, lane: Lane, job: Job) -> None:
        try:
            outcome = await self._send(job)
        except asyncio.CancelledError:
            lane.under_way -= 1
            self._recorder.give_back([job.row])
            return
        finally:
            was_short = len(self._flying) >= self._limit
            lane.landed(job)
        self._recorder.finish(outcome)
        if lane.queue or was_short:
            asyncio.get_running_loop().call_soon(self._go_on, lane, was_short)

    def _go_on(self, lane: Lane, was_short: bool) -> None:
        """After a try: the next of its lane, or of any when there was no place for them."""
        for each in [*self._lanes.values()] if was_short else [lane]:
            self.start(each)

    async def _send(self, job: Job) -> Outcome:
        started_at = datetime.now(UTC)
        try:
            headers = message.headers(job.endpoint, str(job.event_id), job.body, job.number, started_at)
        except Exception:
            # One endpoint's lost key must not end the run, and so stop all the others.
            logger.exception("Delivery %s could not be signed.", job.delivery_id)
            error = "The request could not be signed; this has been logged."
            return Outcome(job, started_at, {}, Response(None, error=error, is_ours=True))
        response = await self.transport.post(job.endpoint.url, headers=headers, body=job.body)
        return Outcome(job, started_at, headers, response)
