"""Results: what became of claimed deliveries, written down for many at once, each by the holder of its claim alone."""

import json
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from webhooks import breaker, notices, sessions, verdict
from webhooks.claims import Row, Unsent
from webhooks.models import Endpoint
from webhooks.outcomes import Outcome, Result, Tries, Written
from webhooks.verdict import Verdict

logger = logging.getLogger(__name__)

# A row that somebody else holds, to delete or to change it, is not waited for: the others' results would wait too.
RECORD = """
    WITH result AS MATERIALIZED (
        SELECT * FROM json_to_recordset(%s::json) AS result(
            id bigint, claim uuid, status text, reason text, delay float8, number int, status_code int, url text,
            started_at timestamptz, duration_ms int, error text, request_headers jsonb, response_headers jsonb,
            response_body text
        )
    ), locked AS MATERIALIZED (
        SELECT id, claim FROM webhooks_delivery
        WHERE id = ANY(ARRAY(SELECT id FROM result)) AND claim IS NOT NULL
        ORDER BY id FOR UPDATE SKIP LOCKED
    ), held AS MATERIALIZED (
        SELECT result.*, CASE WHEN number IS NOT NULL
                              THEN nextval(pg_get_serial_sequence('webhooks_attempt', 'id')) END AS tried
        FROM result JOIN locked USING (id, claim) ORDER BY id
    ), settled AS (
        UPDATE webhooks_delivery AS delivery
        SET status = held.status, reason = held.reason, claim = NULL, lease_until = NULL,
            attempts = coalesce(held.number, delivery.attempts),
            last_status_code = CASE WHEN held.number IS NULL THEN delivery.last_status_code ELSE held.status_code END,
            next_attempt_at = CASE WHEN held.status = 'pending' THEN now() + make_interval(secs => held.delay) END
        FROM held WHERE delivery.id = held.id AND delivery.id = ANY(ARRAY(SELECT id FROM held))
        RETURNING delivery.id, held.claim, delivery.next_attempt_at, held.tried
    ), tries AS (
        INSERT INTO webhooks_attempt (id, delivery_id, number, url, started_at, duration_ms, status_code, error,
                                      request_headers, response_headers, response_body)
        SELECT tried, id, number, url, started_at, duration_ms, status_code, error,
               request_headers, response_headers, response_body
        FROM held WHERE tried IS NOT NULL
    )
    SELECT id, claim, next_attempt_at, tried FROM settled
"""
# Not tried after all: due as before, and counted as nothing.
GIVE_BACK = """
    WITH given AS MATERIALIZED (SELECT * FROM unnest(%s::bigint[], %s::uuid[]) AS given(id, claim)),
    held AS MATERIALIZED (
        SELECT delivery.id FROM given JOIN webhooks_delivery AS delivery USING (id, claim)
        ORDER BY delivery.id FOR UPDATE OF delivery SKIP LOCKED
    )
    UPDATE webhooks_delivery AS delivery SET claim = NULL, lease_until = NULL FROM held WHERE delivery.id = held.id
"""
STILL_CLAIMED = """
    SELECT id, claim FROM unnest(%s::bigint[], %s::uuid[]) AS result(id, claim)
    JOIN webhooks_delivery USING (id, claim)
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of writing: endpoints that may have changed, as they are then, and what is to be written later."""

    changed: dict[int, Endpoint]
    later: list[Outcome | Unsent]
    # In how many seconds the first of the next tries is due, if there is any.
    due_seconds: float | None = None


def record(done: Sequence[Outcome | Unsent], troubled: Collection[int] = ()) -> Turn:
    """Write down what became of claimed deliveries.

    What somebody else has claimed meanwhile, or what was deleted or cancelled, is left as it is; what somebody holds
    in this moment is for later. `troubled` are endpoints that are known to have failed: a success changes them.
    """
    results = [_result(one) for one in done]
    concerned = _concerned(results, troubled)
    endpoints: dict[int, Any] = {}
    if concerned:
        with transaction.atomic():
            endpoints = _locked(concerned)
            blocked = concerned.keys() - endpoints.keys()
            written = _write([result for result in results if result.row.endpoint_id not in blocked])
            for pk, endpoint in endpoints.items():
                if told := [result.verdict for result in concerned[pk] if result.key in written]:
                    breaker.feel(endpoint, told, endpoint.now)
            _tell(results, written)
    else:
        written = _write(results)
        _tell(results, written)
    delays = [result.verdict.delay_seconds for result in results]
    due = min((delay for delay in delays if delay is not None), default=None)
    return Turn(endpoints, _still_claimed(done, results, written), due)


def _locked(concerned: Collection[int]) -> dict[int, Any]:
    """Lock endpoints, before any delivery of theirs as whoever deletes one does; without those that somebody holds."""
    rows = Endpoint.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=concerned).order_by("pk")
    return {endpoint.pk: endpoint for endpoint in rows.annotate(now=Now())}


def _still_claimed(
    done: Sequence[Outcome | Unsent], results: Sequence[Result], written: Written
) -> list[Outcome | Unsent]:
    """Return what was not written though its claim still holds: its row, or its endpoint, was in somebody's hands."""
    missed = {result.key: one for one, result in zip(done, results, strict=True) if result.key not in written}
    if not missed:
        return []
    columns = [list(column) for column in zip(*missed, strict=True)]
    held = psycopg.Cursor(sessions.current()).execute(STILL_CLAIMED, columns).fetchall()
    if gone := len(missed) - len(held):
        logger.info("%s deliveries were taken over or ended; their tries are not counted.", gone)
    return [missed[key] for key in held]


def give_back(rows: Sequence[Row]) -> None:
    """Let others send what was claimed and not tried."""
    psycopg.Cursor(sessions.current()).execute(GIVE_BACK, [[row.id for row in rows], [row.claim for row in rows]])


def _result(one: Outcome | Unsent) -> Result:
    if isinstance(one, Unsent):
        return Result(one.row, Verdict(one.status, one.reason))
    return Result(one.job.row, verdict.of(one.response, one.job.number, timezone.now()), one)


def _concerned(results: Iterable[Result], troubled: Collection[int]) -> dict[int, list[Result]]:
    """Return the results, in their order, of endpoints that are changed by one of them."""
    tried: defaultdict[int, list[Result]] = defaultdict(list)
    changed = set()
    for result in results:
        if result.outcome and not result.outcome.response.is_ours:
            pk = result.row.endpoint_id
            tried[pk].append(result)
            if pk in troubled or breaker.concerns(result.outcome.job.endpoint, result.verdict):
                changed.add(pk)
    return {pk: tried[pk] for pk in sorted(changed)}


def _write(results: Sequence[Result]) -> Written:
    """Write rows and tries; return the moment of the next try, and the try's id, of those whose claim still held."""
    if not results:
        return {}
    # As one document: arrays of texts are quoted one by one, in Python.
    told = json.dumps([result.as_row() for result in results])
    rows = psycopg.Cursor(sessions.current()).execute(RECORD, [told]).fetchall()
    return {(id, claim): (due, tried) for id, claim, due, tried in rows}


def _tell(results: Sequence[Result], written: Written) -> None:
    held = [result for result in results if result.key in written and result.outcome]
    tried = Tries(held, written)
    if tried:
        transaction.on_commit(lambda: notices.tell(tried), robust=True)
