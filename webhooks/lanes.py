"""A lane: what one sender has claimed for one endpoint, what of it flies, and what may fly beside it."""

import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from webhooks import claims
from webhooks.claims import Job, Row
from webhooks.models import Endpoint

# What another transaction made due earlier than what was seen may be committed this much later.
FLOOR_SLACK = timedelta(seconds=2)
# Tries of a limited endpoint may come in bursts of so many seconds' worth.
BURST_SECONDS = 0.05
# No endpoint fills more than this part of the places for all.
SHARE = 1 / 8
# For an endpoint that leaves a try waiting for so long nothing is claimed ahead, and when places are short it gets only
# a part of its own.
PATIENCE_SECONDS = 1.0
SLOW_SHARE = 1 / 8
# What was idle for so long is forgotten.
IDLE_SECONDS = 60.0
# To write down how a try went may take so long; what could not be by the end of its lease is not begun.
RECORD_SECONDS = 10


class Lane:
    """One endpoint's tries in this process."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.queue: deque[Job] = deque()
        self.flying: dict[int, float] = {}
        # Claimed, and not yet written down.
        self.under_way = 0
        # Something more may be due than was claimed.
        self.is_full = False
        self._floor: datetime | None = None
        self._line: int | None = None
        self._tokens, self._filled = 1.0, time.monotonic()
        self._used = time.monotonic()

    @property
    def endpoint(self) -> Endpoint:
        """Return the endpoint, as it was when something was claimed for it last."""
        return self._endpoint

    @endpoint.setter
    def endpoint(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        # One try follows the other.
        self.is_in_order = endpoint.ordering == Endpoint.Ordering.FIFO
        # How many tries may fly at once.
        self.cap = 1 if self.is_in_order else _cap(endpoint)

    @property
    def is_idle(self) -> bool:
        """Say whether nothing came for long."""
        return time.monotonic() - self._used > IDLE_SECONDS

    @property
    def is_slow(self) -> bool:
        """Say whether some try waits for its answer already for long."""
        return bool(self.flying) and time.monotonic() - next(iter(self.flying.values())) > PATIENCE_SECONDS

    def demand(self, *, whole: bool) -> claims.Lane:
        """Return what is to be claimed for it; the whole look begins where it may have passed over something."""
        ahead = self.cap if self.is_in_order or self.is_slow else claims.AHEAD * self.cap
        most = min(ahead, self.endpoint.rate_per_second or ahead)
        floor, line = (None, None) if whole else (self._floor, self._line)
        return claims.Lane(self.endpoint.pk, max(0, most - self.under_way), self.under_way, floor, line)

    def add(self, jobs: Sequence[Job], wanted: int | None) -> None:
        """Take in what was claimed, of so many that were wanted."""
        self.endpoint, self._used = jobs[-1].endpoint, time.monotonic()
        self.queue.extend(jobs)
        self.under_way += len(jobs)
        self.is_full = wanted is None or len(jobs) >= wanted
        self._line = jobs[-1].row.position
        if new := [job.row.due_at for job in jobs if not job.row.is_retry]:
            self._floor = max(new) - FLOOR_SLACK

    def next(self, *, is_short: bool) -> Job | None:
        """Return the job whose try is to begin now; one too old stays, see `take_outdated`."""
        if not self.queue or self._wait_for_place(is_short) or self.wait_seconds():
            return None
        self._tokens -= 1
        job = self.queue.popleft()
        self.flying[job.delivery_id] = time.monotonic()
        return job

    def wait_seconds(self) -> float:
        """Return how long the endpoint's rate lets the next try wait."""
        rate = self.endpoint.rate_per_second
        if not rate:
            return 0.0
        now = time.monotonic()
        self._tokens = min(max(1.0, rate * BURST_SECONDS), self._tokens + rate * (now - self._filled))
        self._filled = now
        return max(0.0, (1 - self._tokens) / rate)

    def _wait_for_place(self, is_short: bool) -> bool:
        cap = self.cap
        if is_short and self.is_slow:
            cap = max(1, int(cap * SLOW_SHARE))
        return len(self.flying) >= cap

    def landed(self, job: Job) -> None:
        """A try has ended; it is not written down yet."""
        self.flying.pop(job.delivery_id, None)

    def take_outdated(self) -> list[Row]:
        """Take out of the queue what must not be begun, for its lease could end before the try; of a slow one all."""
        if self.is_slow:
            return self.take_all()
        longest = settings.TIDEWIRE_WEBHOOKS_LEASE_SECONDS - settings.TIDEWIRE_WEBHOOKS_DEADLINE_SECONDS
        latest = time.monotonic() - max(0, longest - RECORD_SECONDS)
        return self._take(lambda job: job.claimed_at < latest)

    def take_all(self) -> list[Row]:
        """Take everything out of the queue."""
        return self._take(lambda job: True)

    def _take(self, is_meant) -> list[Row]:
        taken = [job.row for job in self.queue if is_meant(job)]
        if taken:
            self.queue = deque(job for job in self.queue if not is_meant(job))
        return taken


def _cap(endpoint: Endpoint) -> int:
    wanted = endpoint.max_in_flight or settings.TIDEWIRE_WEBHOOKS_ENDPOINT_IN_FLIGHT
    return min(wanted, max(1, int(settings.TIDEWIRE_WEBHOOKS_IN_FLIGHT * SHARE)))
