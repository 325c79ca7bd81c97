"""The relay: takes committed events out of the outbox, gives each the next position, and tells the live side.

One leader at a time, in plain SQL, needing PostgreSQL alone. Why not a serial id: a lower one can commit later, and a
reader who has passed it would never see it. Here an event has no position before it is committed.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection, transaction

from events import channel, log
from events.cursor import new_epoch
from events.watermark import FLOOR, Watermark

logger = logging.getLogger(__name__)

BATCH = 500
# Any number that nobody else in this database locks; it is "tide" in ASCII.
LOCK_KEY = 0x74696465
KNOWN_BACKENDS = 100
# A leader that was stopped in mid-batch loses its connection, and so the lock, after this long.
FROZEN_LEADER = "5s"

# One life of one server process: no restore and no promotion can happen beneath it.
BACKEND = "(SELECT pid || '/' || extract(epoch FROM backend_start) FROM pg_stat_get_activity(pg_backend_pid()))"

# Whether this transaction leads is kept in a setting of the transaction, so that the next statements can be sent
# before the answer is known. Nobody leads in a database that may not be the one to which the epoch belongs.
LEAD = f"""
    SELECT set_config('synchronous_commit', 'on', true),
           set_config('idle_in_transaction_session_timeout', '{FROZEN_LEADER}', true),
           -- A plan is kept for long, and made when the outbox is empty: only the index stays quick when it is not.
           set_config('enable_seqscan', 'off', true),
           known.backend,
           set_config('tidewire.leads',
               (known.backend AND pg_try_advisory_xact_lock({LOCK_KEY}))::text, true)::boolean AS leads
    FROM (SELECT {BACKEND} = ANY(%s::text[]) AS backend OFFSET 0) AS known
"""

# Its own statement after the lock: under READ COMMITTED only a new statement sees what the last leader committed.
READ_HEAD = """
    SELECT epoch FROM events_loghead
    WHERE id = 1 AND current_setting('tidewire.leads')::boolean
    FOR UPDATE
"""

# It returns where it moved and not the rows: a leader that was stopped before it reads them must not hold up the
# server, which would go on waiting for it with the lock in its hand.
MOVE = f"""
    WITH batch AS (
        DELETE FROM events_outbox
        WHERE ctid = ANY(ARRAY(SELECT ctid FROM events_outbox WHERE id > {FLOOR} ORDER BY id LIMIT %s))
          AND current_setting('tidewire.leads')::boolean
        RETURNING *
    ), numbered AS (
        SELECT *, (SELECT position FROM events_loghead WHERE id = 1) + row_number() OVER (ORDER BY id) AS position
        FROM batch
    ), linked AS (
        SELECT numbered.*, coalesce(
            lag(position) OVER (PARTITION BY topic ORDER BY position),
            (SELECT known.position FROM events_topic AS known WHERE known.name = numbered.topic), 0
        ) AS previous
        FROM numbered
    ), logged AS (
        INSERT INTO events_event (position, event_id, type, topic, subject, data, time, extensions, previous)
        SELECT position, event_id, type, topic, subject, data, time, extensions, previous FROM linked ORDER BY position
    ), heads AS (
        INSERT INTO events_topic (name, position) SELECT topic, max(position) FROM numbered GROUP BY topic
        ON CONFLICT (name) DO UPDATE SET position = excluded.position
    ), head AS (
        UPDATE events_loghead SET position = position + (SELECT count(*) FROM batch)
        WHERE id = 1 AND EXISTS (SELECT FROM batch)
    )
    SELECT set_config('tidewire.after', position::text, false)::bigint,
           set_config('tidewire.upto', (position + (SELECT count(*) FROM batch))::text, false)::bigint,
           (SELECT coalesce(max(id), 0) FROM batch)
    FROM events_loghead WHERE id = 1
"""

# After the commit, when the lock is free again.
READ_BATCH = f"""
    SELECT {log.ROW} FROM events_event
    WHERE position > current_setting('tidewire.after')::bigint
      AND position <= current_setting('tidewire.upto')::bigint
    ORDER BY position
"""

# After the commit too: what was committed meanwhile, and whose wake-up found the lock held, is seen now.
ANYTHING_WAITS = f"SELECT EXISTS (SELECT FROM events_outbox WHERE id > {FLOOR})"

READ_IDENTITY = f"""
    SELECT head.epoch, head.identity,
           system.system_identifier || '/' || checkpoint.timeline_id || '/' || database.oid, {BACKEND}
    FROM events_loghead AS head, pg_control_system() AS system, pg_control_checkpoint() AS checkpoint,
         pg_database AS database
    WHERE head.id = 1 AND database.datname = current_database()
    FOR UPDATE OF head
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction has moved to the log: how many, the last id in the outbox, and the rows as they are now."""

    epoch: str
    count: int
    last: int
    more: bool
    rows: list[tuple[Any, ...]]


def run() -> int:
    """Move everything that is committed from the outbox to the log; return how many events.

    Another leader at work is no error: it sees what this call would have seen, or looks once more before it ends.
    """
    moved, watermark = 0, Watermark()
    while batch := move(watermark):
        moved += batch.count
        if not batch.more:
            break
    return moved


# The server processes that are known to serve the database of the epoch.
_known: set[str] = set()


def ensure_epoch() -> None:
    """Mint a new epoch if this is another database than the one the epoch belongs to."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(READ_IDENTITY)
        epoch, known, identity, backend = cursor.fetchone()
        if known and known != identity:
            epoch = new_epoch()
            logger.warning("The log now lives in another database; its cursors begin with %s from here on.", epoch)
        if known != identity:
            cursor.execute("UPDATE events_loghead SET epoch = %s, identity = %s WHERE id = 1", [epoch, identity])
    if len(_known) >= KNOWN_BACKENDS:
        _known.clear()
    _known.add(backend)


def move(watermark: Watermark) -> Batch | None:
    """Move one batch, all that has committed up to a bound, and tell the live side; None: another leader is at work."""
    watermark.prepare()
    batch = _exchange(watermark.bounds())
    # Rows that retention took in this moment leave a gap, of which no message may tell; the hubs read the log then.
    if batch and batch.rows and len(batch.rows) == batch.count:
        channel.announce(batch.epoch, [log.envelope_of_row(batch.epoch, row) for row in batch.rows])
    if batch:
        watermark.take(batch.count, batch.last, complete=batch.count < BATCH)
    return batch


def _exchange(bounds: tuple[list[str], int]) -> Batch | None:
    """Move a batch in a transaction of its own, then read it, by one exchange with the server.

    All statements go out at once: the lock is never held while this process is waited for.
    """
    connection.ensure_connection()
    alone = not connection.in_atomic_block
    with connection.wrap_database_errors, _pipeline(connection.connection) as ask:
        if alone:
            ask("BEGIN ISOLATION LEVEL READ COMMITTED", prepare=False)
        lead, head, move = ask(LEAD, [list(_known)]), ask(READ_HEAD), ask(MOVE, [*bounds, BATCH])
        if alone:
            ask("COMMIT", prepare=False)
        rows, waits = ask(READ_BATCH), ask(ANYTHING_WAITS, bounds)
    *_, known, leads = _only(lead)
    if leads:
        (epoch,), (after, upto, last), (more,) = _only(head), _only(move), _only(waits)
        return Batch(epoch, upto - after, last, more, rows.fetchall())
    if known:
        return None
    ensure_epoch()
    return _exchange(bounds)


@contextmanager
def _pipeline(raw: psycopg.Connection) -> Iterator[Callable[..., psycopg.Cursor]]:
    """Let statements be sent without waiting for their answers; those are there at the end."""
    try:
        with raw.pipeline():
            yield lambda statement, *values, **options: psycopg.Cursor(raw).execute(statement, *values, **options)
    except psycopg.Error:
        with suppress(psycopg.Error):
            raw.rollback()
        raise


def anything_waits(watermark: Watermark) -> bool:
    """Say whether the outbox holds something that is committed."""
    with connection.cursor() as cursor:
        cursor.execute(ANYTHING_WAITS, watermark.bounds())
        return cursor.fetchone()[0]


def _only(cursor: psycopg.Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None
    return row
