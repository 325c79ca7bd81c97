"""The sender: claims what is due, sends it outside any transaction, many at once, and records how it went.

A claim is a lease in the delivery's row: a sender that dies loses nothing, and what it had claimed is due again when
the lease ends. Only the holder of the claim records, so a slow sender never overwrites the next one's result.
"""

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from events import log
from events.models import Event
from webhooks import message, notices, schedule
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.transport import Response, Transport

logger = logging.getLogger(__name__)

# One sender at a time is enough for many deliveries in flight, and leaves the worker's other processes to others.
LOCK_KEY = 0x73656E64
# So long, after the deadline of a try, its sender may take to write down how it went.
LEASE_MARGIN_SECONDS = 45
# A slow endpoint fills this part of the places in flight, never those of the others.
ENDPOINT_SHARE = 1 / 8
POLL_SECONDS = 0.1
# A run ends after so long, that a worker can be stopped; the next one goes on.
RUN_SECONDS = 60.0
SOON_SECONDS = 15

# The pairs are for the planner: with `endpoint_id = …` it may walk all that is due, of every endpoint, by time.
CLAIM = """
    UPDATE webhooks_delivery SET lease_until = now() + make_interval(secs => %(lease)s), claim = gen_random_uuid()
    WHERE id IN (
        SELECT due.id FROM webhooks_endpoint AS endpoint
        LEFT JOIN unnest(%(busy)s::bigint[], %(flying)s::bigint[]) AS busy(id, flying) ON busy.id = endpoint.id
        CROSS JOIN LATERAL (
            SELECT id, next_attempt_at FROM webhooks_delivery
            WHERE (endpoint_id, next_attempt_at) >= (endpoint.id, '-infinity')
              AND (endpoint_id, next_attempt_at) <= (endpoint.id, now())
              AND status = 'pending' AND (lease_until IS NULL OR lease_until <= now())
            ORDER BY endpoint_id, next_attempt_at LIMIT greatest(0, %(each)s - coalesce(busy.flying, 0))
            FOR UPDATE SKIP LOCKED
        ) AS due
        WHERE endpoint.enabled
        ORDER BY due.next_attempt_at LIMIT %(limit)s
    )
    RETURNING id, claim
"""


@dataclass(frozen=True, slots=True)
class Job:
    """One try to make: where to, what, and by which claim."""

    delivery_id: int
    claim: UUID
    number: int
    endpoint: Endpoint
    event_id: UUID
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try went."""

    job: Job
    started_at: datetime
    request_headers: dict[str, str]
    response: Response


def run() -> int | None:
    """Send everything that is due, and what becomes due meanwhile; return how many tries were made.

    None when another sender is at work: it looks for due deliveries as long as it runs, and once more after that.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])
        if not cursor.fetchone()[0]:
            return None
    try:
        return async_to_sync(_send_all)()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])


def next_due_seconds() -> float | None:
    """Return in how many seconds the next delivery is due, if that is soon; later ones are for the sweep."""
    now = timezone.now()
    # What has been due for longer was seen by the run before this question; the sweep goes on with what that left.
    soon = (now - timedelta(seconds=1), now + timedelta(seconds=SOON_SECONDS))
    due = Delivery.objects.filter(status=Delivery.Status.PENDING, endpoint__enabled=True, next_attempt_at__range=soon)
    # What is leased is being sent, or its sender died; the sweep finds it when the lease ends.
    moment = due.filter(lease_until=None).order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
    return None if moment is None else max(0.0, (moment - now).total_seconds())


async def _send_all() -> int:
    flying: dict[asyncio.Task[Outcome], int] = {}
    count, ends = 0, time.monotonic() + RUN_SECONDS
    async with _transport() as transport:
        while True:
            jobs = await _claim_beside(flying) if time.monotonic() < ends else []
            flying |= {asyncio.create_task(_send(transport, job)): job.endpoint.pk for job in jobs}
            if not flying:
                return count
            done, _ = await asyncio.wait(flying, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            await sync_to_async(record)([task.result() for task in done])
            flying = {task: endpoint for task, endpoint in flying.items() if task not in done}
            count += len(done)


async def _claim_beside(flying: Mapping[asyncio.Task[Outcome], int]) -> list[Job]:
    room = settings.TIDEWIRE_WEBHOOKS_IN_FLIGHT - len(flying)
    return await sync_to_async(claim)(room, Counter(flying.values())) if room else []


def _transport() -> Transport:
    return Transport(
        allow_private=settings.TIDEWIRE_WEBHOOKS_ALLOW_PRIVATE,
        allow_http=settings.TIDEWIRE_WEBHOOKS_ALLOW_HTTP,
        total_seconds=settings.TIDEWIRE_WEBHOOKS_DEADLINE_SECONDS,
        limit=settings.TIDEWIRE_WEBHOOKS_IN_FLIGHT,
        proxy_url=settings.TIDEWIRE_WEBHOOKS_PROXY_URL,
    )


async def _send(transport: Transport, job: Job) -> Outcome:
    started_at = timezone.now()
    try:
        headers = message.headers(job.endpoint, str(job.event_id), job.body, job.number, started_at)
    except Exception:
        # One endpoint's lost key must not end the run, and so stop all the others.
        logger.exception("Delivery %s could not be signed.", job.delivery_id)
        error = "The request could not be signed; this has been logged."
        return Outcome(job, started_at, {}, Response(None, error=error))
    return Outcome(job, started_at, headers, await transport.post(job.endpoint.url, headers=headers, body=job.body))


def claim(limit: int, flying: Mapping[int, int] = MappingProxyType({})) -> list[Job]:
    """Take up to so many due deliveries, in a short transaction of its own, and return what is to be sent.

    An endpoint gets no more than its places, of which so many are taken as are flying to it.
    """
    parameters: dict[str, float | list[int]] = {
        "lease": settings.TIDEWIRE_WEBHOOKS_DEADLINE_SECONDS + LEASE_MARGIN_SECONDS,
        "limit": limit,
        "each": math.ceil(settings.TIDEWIRE_WEBHOOKS_IN_FLIGHT * ENDPOINT_SHARE),
        "busy": list(flying),
        "flying": list(flying.values()),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, parameters)
        claims = dict(cursor.fetchall())
    if not claims:
        return []
    rows = list(
        Delivery.objects.filter(pk__in=claims)
        .select_related("endpoint")
        .prefetch_related("endpoint__retired_secrets")
        .order_by("next_attempt_at")
    )
    events = Event.objects.in_bulk([row.position for row in rows])
    epoch = log.head().epoch
    # Retention never passes a pending delivery; but one that had ended may be sent again after its event was pruned.
    Delivery.objects.filter(pk__in=[row.pk for row in rows if row.position not in events]).cancel()
    return [_job(row, claims[row.pk], events[row.position], epoch) for row in rows if row.position in events]


def _job(row: Delivery, claim: UUID, event: Event, epoch: str) -> Job:
    return Job(row.pk, claim, row.attempts + 1, row.endpoint, event.event_id, message.body_of(event, epoch))


def record(outcomes: Iterable[Outcome]) -> None:
    """Write down how tries went, each attempt together with what its delivery becomes."""
    for outcome in outcomes:
        with transaction.atomic():
            _record(outcome)


def _record(outcome: Outcome) -> None:
    job, response = outcome.job, outcome.response
    rows = Delivery.objects.select_for_update().filter(pk=job.delivery_id, claim=job.claim)
    delivery = rows.first()
    if delivery is None:
        logger.info("Delivery %s was taken over; this try is not counted.", job.delivery_id)
        return
    attempt = Attempt.objects.create(
        delivery=delivery,
        number=job.number,
        url=job.endpoint.url,
        started_at=outcome.started_at,
        duration_ms=response.duration_ms,
        status_code=response.status_code,
        error=response.error,
        request_headers=outcome.request_headers,
        response_headers=response.headers,
        response_body=response.body,
    )
    _settle(delivery, response.status_code)
    delivery.attempts, delivery.last_status_code = job.number, response.status_code
    delivery.claim = delivery.lease_until = None
    delivery.save()
    transaction.on_commit(lambda: notices.tell([attempt]), robust=True)


def _settle(delivery: Delivery, status_code: int | None) -> None:
    """Decide what becomes of a delivery after a try."""
    delay = schedule.delay_after(delivery.attempts + 1)
    delivery.next_attempt_at = None
    if status_code is not None and 200 <= status_code < 300:
        delivery.status = Delivery.Status.SUCCEEDED
    elif status_code == 410:
        delivery.status = Delivery.Status.FAILED
        reason = "The receiver answered 410 Gone."
        Endpoint.objects.filter(pk=delivery.endpoint_id).update(enabled=False, disabled_reason=reason)
        Delivery.objects.filter(endpoint=delivery.endpoint_id, status=Delivery.Status.PENDING).cancel()
    elif delay is None:
        delivery.status = Delivery.Status.EXHAUSTED
    else:
        delivery.next_attempt_at = timezone.now() + timedelta(seconds=delay)
