"""The sender: claims what is due, sends it outside any transaction, many at once, and writes down how it went.

The three go on beside each other: while tries fly, others are claimed and those that have landed are recorded, each by
a thread with a session of its own. Any number of senders share the endpoints (`webhooks.shares`).
"""

import asyncio
import logging
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

from django.conf import settings

from webhooks import breaker, schedule, sessions
from webhooks.claims import Claims, Job, Row, Taken
from webhooks.claims import Lane as Demand
from webhooks.flights import Flights
from webhooks.lanes import Lane
from webhooks.models import Endpoint
from webhooks.outcomes import Outcome
from webhooks.recorder import Finished, Recorder
from webhooks.results import Turn
from webhooks.sessions import Session
from webhooks.shares import Shares, part_of
from webhooks.transport import Transport

logger = logging.getLogger(__name__)

# Without a call it looks for what is due this often.
LOOK_SECONDS = 1.0
# Claims follow each other no faster: a moment later each takes more at a time.
PAUSE_SECONDS = 0.005
# A look from the very beginning, for what was committed late or passed over; never for more than a part of the time.
WHOLE_LOOK_SECONDS, WHOLE_LOOK_SHARE = 5.0, 1 / 20
BALANCE_SECONDS = 1.0
RETRY_SECONDS = 1.0
# The next try of what failed once is not to be late by a second in five.
SOON_SECONDS = 15.0
# So many times the places in flight are claimed at most.
HELD_FACTOR = 4
# A run of a worker's ends after so long, that the worker can be stopped; the next one goes on.
RUN_SECONDS = 60.0
RUN_LOOK_SECONDS = 0.1
# Of what waits for endpoints that were switched off, so much is ended at each look.
ENDED_AT_A_LOOK = 1000


def run() -> int | None:
    """Send everything that is due, and what becomes due meanwhile; return how many tries were made.

    None when other senders serve all endpoints: they look for due deliveries as long as they run.
    """
    sender = Sender(look_seconds=RUN_LOOK_SECONDS, lasts=False)
    count = asyncio.run(sender.run())
    if sender.due_seconds is not None:
        schedule.wake_sender(sender.due_seconds)
    return count if sender.has_served else None


class Sender:
    """Sends what is due until it is stopped, or, when it need not last, until nothing is left."""

    def __init__(self, *, look_seconds: float = LOOK_SECONDS, lasts: bool = True) -> None:
        self.has_served = False
        self.count = 0
        self._look_seconds, self._lasts = look_seconds, lasts
        self._ends = math.inf if lasts else time.monotonic() + RUN_SECONDS
        self._stopping = False
        self._limit = settings.TIDEWIRE_WEBHOOKS_IN_FLIGHT
        self._lanes: dict[int, Lane] = {}
        self._shares, self._claims = Shares(), Claims()
        self._claimer, self._recorder = Session("claims"), Recorder(self._written)
        self._flights = Flights(self._lanes, self._recorder, self._limit)
        self._is_full = False
        self._due_at: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._looked_whole = self._balanced = 0.0
        self._whole_look_seconds = WHOLE_LOOK_SECONDS

    async def run(self) -> int:
        """Send until the end; return how many tries were written down."""
        self._loop = asyncio.get_running_loop()
        self._called = asyncio.Event()
        recording = asyncio.create_task(self._recorder.run())
        try:
            async with _transport() as self._flights.transport:
                try:
                    await self._claim_all()
                finally:
                    await self._land()
        finally:
            self._recorder.end()
            await recording
            await self._claimer.close()
        return self.count

    def call(self) -> None:
        """Let it look now; may be called by any thread."""
        # Before it runs and after that there is nobody to be called.
        with suppress(RuntimeError):
            if self._loop:
                self._loop.call_soon_threadsafe(self._called.set)

    def stop(self) -> None:
        """Let it claim nothing more, and end when what flies has landed; may be called by any thread."""
        self._stopping = True
        self._flights.close()
        self.call()

    # -- Claiming ------------------------------------------------------------------------------------------------------

    async def _claim_all(self) -> None:
        while not self._stopping and time.monotonic() < self._ends:
            self._called.clear()
            try:
                taken = await self._claim()
            except Exception as error:
                if not self._lasts:
                    raise
                logger.warning("Nothing could be claimed (%r); trying again.", error)
                await self._claimer.renew()
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if not self._lasts and not taken and not any(lane.under_way for lane in self._lanes.values()):
                return
            await self._wait()

    async def _claim(self) -> int:
        """Claim as much as there is room for, and let it fly; return how much."""
        await self._balance()
        room = HELD_FACTOR * self._limit - sum(each.under_way for each in self._lanes.values())
        if room <= 0 or not self._shares.served:
            return 0
        whole, began = time.monotonic() - self._looked_whole >= self._whole_look_seconds, time.monotonic()
        demands = {pk: lane.demand(whole=whole) for pk, lane in self._lanes.items()}
        taken = await self._claimer.do(self._claims.take, room, self._shares.served, list(demands.values()))
        if whole:
            self._looked_whole = time.monotonic()
            took = self._looked_whole - began
            self._whole_look_seconds = max(WHOLE_LOOK_SECONDS, took / WHOLE_LOOK_SHARE)
        self._is_full = len(taken) >= room
        self._accept(taken, demands)
        return len(taken)

    async def _balance(self) -> None:
        """Once a second see to the shares, and to what is left to itself."""
        if time.monotonic() - self._balanced < BALANCE_SECONDS:
            return
        self._balanced = time.monotonic()
        busy = self._busy()
        await self._claimer.do(lambda: self._shares.balance(sessions.current(), busy))
        self.has_served = self.has_served or bool(self._shares.served)
        self._tidy()
        await self._claimer.do(breaker.end_some_in_vain, ENDED_AT_A_LOOK)

    def _busy(self) -> set[int]:
        """Return the parts with something under way."""
        return {part_of(pk) for pk, lane in self._lanes.items() if lane.under_way}

    def _tidy(self) -> None:
        """Forget lanes that were idle, give back what waited too long, and let fly what may."""
        served = set(self._shares.served)
        for pk, lane in list(self._lanes.items()):
            self._give_back(lane, lane.take_all() if part_of(pk) not in served else lane.take_outdated())
            self._flights.start(lane)
            if not lane.under_way and (part_of(pk) not in self._shares.held or lane.is_idle):
                del self._lanes[pk]

    def _accept(self, taken: Taken, demands: dict[int, Demand]) -> None:
        jobs: defaultdict[int, list[Job]] = defaultdict(list)
        for job in taken.jobs:
            jobs[job.endpoint.pk].append(job)
        for pk, lane in self._lanes.items():
            lane.is_full = lane.is_full and pk in jobs
        for pk, some in jobs.items():
            lane = self._lanes.get(pk) or self._lanes.setdefault(pk, Lane(some[0].endpoint))
            lane.add(some, demands[pk].places if pk in demands else None)
            self._flights.start(lane)
        for one in taken.unsent:
            self._recorder.finish(one)

    async def _wait(self) -> None:
        """Wait for a call, for room where more may be due, or for the clock."""
        await asyncio.sleep(PAUSE_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._look_seconds):
                await self._called.wait()

    # -- Ending --------------------------------------------------------------------------------------------------------

    async def _land(self) -> None:
        """Let what flies come to its end, within the grace; what does not is left to others."""
        self._stopping = True
        self._flights.close()
        for lane in self._lanes.values():
            self._give_back(lane, lane.take_all())
        ends = time.monotonic() + settings.TIDEWIRE_WEBHOOKS_GRACE_SECONDS
        await self._leave()
        while (left := ends - time.monotonic()) > 0 and not await self._flights.landed(min(left, BALANCE_SECONDS)):
            await self._leave()
        await self._flights.break_off()

    async def _leave(self) -> None:
        """Leave to others the endpoints to which nothing flies any more."""
        try:
            busy = self._busy()
            await self._claimer.do(lambda: self._shares.leave(sessions.current(), busy))
        except Exception as error:  # noqa: BLE001  with the session its parts are gone as well
            logger.debug("No part was given back: %r", error)

    # -- Recording -----------------------------------------------------------------------------------------------------

    def _give_back(self, lane: Lane, rows: list[Row]) -> None:
        if rows:
            lane.under_way -= len(rows)
            self._recorder.give_back(rows)

    def _written(self, done: Sequence[Finished], turn: Turn) -> None:
        """Let the next be claimed where what was written down stood in their way."""
        look = self._is_full
        for one in done:
            if isinstance(one, Outcome):
                lane = self._lanes[one.job.endpoint.pk]
                lane.under_way -= 1
                self.count += 1
                look = look or lane.is_full or lane.is_in_order
        for endpoint in turn.changed.values():
            self._keep_back(endpoint)
        if look:
            self._called.set()
        if turn.due_seconds is not None:
            self._look_in(turn.due_seconds)

    def _look_in(self, seconds: float) -> None:
        """Look when the next try is due, if that is soon; the others are found by the clock, a second late at most."""
        if seconds <= SOON_SECONDS:
            self._due_at = time.monotonic() + min(seconds, self.due_seconds or math.inf)
            asyncio.get_running_loop().call_later(seconds, self._called.set)

    @property
    def due_seconds(self) -> float | None:
        """Return in how many seconds the next try is due that was put off, if that is soon and still to come."""
        left = (self._due_at or -math.inf) - time.monotonic()
        return left if left > 0 else None

    def _keep_back(self, endpoint: Endpoint) -> None:
        """Keep back what was claimed for an endpoint that is to be left in peace."""
        lane = self._lanes.get(endpoint.pk)
        if lane and (endpoint.postponed_until or not endpoint.enabled):
            self._give_back(lane, lane.take_all())


def _transport() -> Transport:
    return Transport(
        allow_private=settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE,
        allow_http=settings.TIDEWIRE_WEBHOOKS_ALLOW_HTTP,
        total_seconds=settings.TIDEWIRE_WEBHOOKS_DEADLINE_SECONDS,
        limit=settings.TIDEWIRE_WEBHOOKS_IN_FLIGHT,
        proxy_url=settings.TIDEWIRE_WEBHOOKS_PROXY_URL,
    )
