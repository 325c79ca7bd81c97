"""Replays: deliveries made anew for a window of the log, chunk by chunk, each together with its progress.

All that is known of one is its row, so it goes on after a crash of whoever ran it, and a chunk never happens twice.
"""

import logging
import time

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from events import log
from webhooks import fanout, history, schedule
from webhooks.listeners import listener_of
from webhooks.models import Delivery, Endpoint, Replay

logger = logging.getLogger(__name__)

CHUNK = 1000
# While so many wait to be sent to the endpoint no more are made due: what is new waits behind these and no others.
WAITING_MAX = 1000
RUN_SECONDS = 20

FAILED = (Delivery.Status.FAILED, Delivery.Status.EXHAUSTED, Delivery.Status.CANCELLED)
AGAIN: dict[str, tuple[str, ...]] = {
    Replay.Only.FAILED: FAILED,
    Replay.Only.MISSING: (),
    Replay.Only.ALL: (*FAILED, Delivery.Status.SUCCEEDED),
}

# The endpoint first, as whoever deletes it does. What another holds is left: it runs this chunk, or deletes it.
_HOLD = """
    SELECT replay.id FROM webhooks_replay AS replay JOIN webhooks_endpoint AS endpoint ON endpoint.id = endpoint_id
    WHERE replay.id = %s AND replay.status = 'running'
    FOR KEY SHARE OF endpoint SKIP LOCKED FOR UPDATE OF replay SKIP LOCKED
"""
# In two parts, each of which an index of what is due knows.
_WAITING = """
    SELECT count(*) FROM (
        (SELECT 1 FROM webhooks_delivery WHERE endpoint_id = %(endpoint)s AND status = 'pending' AND attempts = 0
         AND next_attempt_at <= statement_timestamp() LIMIT %(limit)s)
        UNION ALL
        (SELECT 1 FROM webhooks_delivery WHERE endpoint_id = %(endpoint)s AND status = 'pending' AND attempts > 0
         AND next_attempt_at <= statement_timestamp() LIMIT %(limit)s)
    ) AS due
"""
# Due one after the other, in the order of the log, and none later than now.
_MAKE_DUE = """
    WITH held AS MATERIALIZED (
        SELECT delivery.id, event.position FROM events_event AS event
        JOIN webhooks_delivery AS delivery ON delivery.endpoint_id = %s AND delivery.event_id = event.event_id
        WHERE event.position > %s AND event.position <= %s AND delivery.status = ANY(%s)
        ORDER BY event.position FOR UPDATE OF delivery
    )
    UPDATE webhooks_delivery AS delivery
    SET status = 'pending', lease_until = NULL, claim = NULL, reason = '',
        next_attempt_at = statement_timestamp() + make_interval(secs => (number - count) / 1e6)
    FROM (SELECT id, row_number() OVER (ORDER BY position) AS number, count(*) OVER () AS count FROM held) AS due
    WHERE delivery.id = due.id
"""


def floor(only: str) -> int:
    """Return the position behind which the window of such a replay begins at the earliest."""
    return log.head().pruned if only == Replay.Only.FAILED else history.floor()


def run() -> int:
    """Go on with all that are running, in turns, until there is nothing to do for now; return how many chunks."""
    chunks, ends = 0, time.monotonic() + RUN_SECONDS
    while True:
        running = Replay.objects.filter(status=Replay.Status.RUNNING).order_by("pk").values_list("pk", flat=True)
        went = [_go_on(pk) for pk in running[:CHUNK]]
        chunks += sum(went)
        if not any(went) or time.monotonic() > ends:
            return chunks


def _go_on(pk: int) -> bool:
    """Run a chunk of one replay; trouble that is its own ends it, and is told in its row."""
    try:
        return run_chunk(pk)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("Replay %s has failed.", pk)
        rows = Replay.objects.filter(pk=pk, status=Replay.Status.RUNNING)
        error = "It could not go on; this has been logged."
        rows.update(status=Replay.Status.FAILED, error=error, finished_at=timezone.now())
        return False


@transaction.atomic
def run_chunk(pk: int) -> bool:
    """Make the deliveries of the next part of a replay's window; say whether there was one to do now."""
    replay = _hold(pk)
    if replay is None:
        return False
    endpoint = replay.endpoint
    if endpoint.disabled_reason:
        _end(replay, Replay.Status.FAILED, f"The endpoint was switched off: {endpoint.disabled_reason}")
        return False
    if replay.position < replay.upto and not _has_room(endpoint):
        return False
    _advance(replay, endpoint)
    transaction.on_commit(schedule.wake_sender, robust=True)
    return True


def _hold(pk: int) -> Replay | None:
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [pk])
        found = cursor.fetchone()
    return Replay.objects.select_related("endpoint").get(pk=pk) if found else None


def _has_room(endpoint: Endpoint) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"endpoint": endpoint.pk, "limit": WAITING_MAX})
        return cursor.fetchone()[0] < WAITING_MAX


def _advance(replay: Replay, endpoint: Endpoint) -> None:
    """Make what one chunk holds, and write down how far that has come."""
    after, upto = replay.position, min(replay.position + CHUNK, replay.upto)
    if replay.only != Replay.Only.FAILED:
        listener = listener_of(endpoint)
        # What is older may have been delivered and forgotten since.
        begins = min(max(after, history.floor()), replay.upto)
        reach = replay.upto if replay.only == Replay.Only.MISSING else min(begins + CHUNK, replay.upto)
        page = history.page(listener, after=begins, upto=reach, limit=CHUNK)
        replay.made += fanout.insert([(event, listener) for event in history.missing(listener, page.events)])
        upto = page.position
    if again := AGAIN[replay.only]:
        replay.made += _make_due(endpoint, after, upto, again)
    replay.position = upto
    replay.save(update_fields=["position", "made"])
    if upto >= replay.upto:
        _end(replay, Replay.Status.DONE)


def _make_due(endpoint: Endpoint, after: int, upto: int, statuses: tuple[str, ...]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_MAKE_DUE, [endpoint.pk, after, upto, [str(status) for status in statuses]])
        return cursor.rowcount


def _end(replay: Replay, status: str, error: str = "") -> None:
    replay.status, replay.error, replay.finished_at = status, error[:500], timezone.now()
    replay.save(update_fields=["status", "error", "finished_at"])
