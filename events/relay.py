"""The relay: takes committed events out of the outbox, gives each the next position, and tells the live side.

One leader at a time, in plain SQL, needing PostgreSQL alone. Why not a serial id: a lower one can commit later, and a
reader who has passed it would never see it. Here an event has no position before it is committed.
"""

import json
import logging
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, transaction

from events import channel
from events.cursor import new_epoch
from events.encoding import Envelope, cloud_event, encode
from events.log import type_version

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
           known.backend,
           set_config('tidewire.leads',
               (known.backend AND pg_try_advisory_xact_lock({LOCK_KEY}))::text, true)::boolean AS leads
    FROM (SELECT {BACKEND} = ANY(%s::text[]) AS backend OFFSET 0) AS known
"""

# Its own statement after the lock: under READ COMMITTED only a new statement sees what the last leader committed.
READ_HEAD = """
    SELECT epoch, position FROM events_loghead
    WHERE id = 1 AND current_setting('tidewire.leads')::boolean
    FOR UPDATE
"""

# It returns a number and not the rows: a leader that was stopped before it reads them must not hold up the server,
# which would go on waiting for it with the lock in its hand.
MOVE = """
    WITH batch AS (
        DELETE FROM events_outbox
        WHERE id IN (SELECT id FROM events_outbox ORDER BY id LIMIT %s) AND current_setting('tidewire.leads')::boolean
        RETURNING *
    ), numbered AS (
        SELECT *, (SELECT position FROM events_loghead WHERE id = 1) + row_number() OVER (ORDER BY id) AS position
        FROM batch
    ), linked AS (
        SELECT numbered.*, coalesce(
            lag(numbered.position) OVER (PARTITION BY topic ORDER BY numbered.position), known.position, 0
        ) AS previous
        FROM numbered LEFT JOIN events_topic AS known ON known.name = numbered.topic
    ), logged AS (
        INSERT INTO events_event (position, event_id, type, topic, subject, data, time, previous)
        SELECT position, event_id, type, topic, subject, data, time, previous FROM linked ORDER BY position
    ), heads AS (
        INSERT INTO events_topic (name, position) SELECT topic, max(position) FROM numbered GROUP BY topic
        ON CONFLICT (name) DO UPDATE SET position = excluded.position
    ), head AS (
        UPDATE events_loghead SET position = position + (SELECT count(*) FROM batch)
        WHERE id = 1 AND EXISTS (SELECT FROM batch)
    )
    SELECT count(*) FROM batch
"""

READ_BATCH = """
    SELECT position, event_id, type, topic, subject, data, time, previous FROM events_event
    WHERE position > %s AND position <= %s ORDER BY position
"""

ANYTHING_WAITS = "SELECT EXISTS (SELECT FROM events_outbox)"

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
    """What one transaction has moved to the log, and whether more waits."""

    epoch: str
    first: int
    count: int
    more: bool


def run() -> int:
    """Move everything that is committed from the outbox to the log; return how many events.

    Another leader at work is no error: it sees what this call would have seen, or looks once more before it ends.
    """
    moved = 0
    while batch := move():
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


def move() -> Batch | None:
    """Move one batch, all that has committed up to a bound, and tell the live side; None: another leader is at work."""
    found = _move_batch()
    if found is None:
        return None
    epoch, head, count = found
    rows, more = _read_batch(head, count)
    # Rows that retention took in this moment leave a gap, of which no message may tell; the hubs read the log then.
    if rows and len(rows) == count:
        channel.announce(epoch, [_envelope(epoch, *row) for row in rows])
    return Batch(epoch, head + 1, count, more)


def _move_batch() -> tuple[str, int, int] | None:
    """Move a batch in a transaction of its own; return the epoch, the head before it and the number of events.

    All statements go out at once and end in the commit: the lock is never held while this process is waited for.
    """
    connection.ensure_connection()
    raw = connection.connection
    with connection.wrap_database_errors, raw.pipeline(), transaction.atomic():
        lead, head, move = (psycopg.Cursor(raw) for _ in range(3))
        lead.execute(LEAD, [list(_known)])
        head.execute(READ_HEAD)
        move.execute(MOVE, [BATCH])
    *_, known, leads = _only(lead)
    if leads:
        epoch, position = _only(head)
        return epoch, position, *_only(move)
    if known:
        return None
    ensure_epoch()
    return _move_batch()


def _read_batch(head: int, count: int) -> tuple[list[tuple], bool]:
    """Read what was moved, and look whether more waits.

    The lock is free again: what was committed meanwhile, and whose wake-up found the lock held, is seen now.
    """
    raw = connection.connection
    with connection.wrap_database_errors, raw.pipeline():
        batch, waits = psycopg.Cursor(raw), psycopg.Cursor(raw)
        batch.execute(READ_BATCH, [head, head + count])
        waits.execute(ANYTHING_WAITS)
    return batch.fetchall(), _only(waits)[0]


def anything_waits() -> bool:
    """Say whether the outbox holds something that is committed."""
    with connection.cursor() as cursor:
        cursor.execute(ANYTHING_WAITS)
        return cursor.fetchone()[0]


def _only(cursor: psycopg.Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    assert row is not None
    return row


def _envelope(epoch, position, event_id, type, topic, subject, data, time, previous) -> Envelope:
    event = cloud_event(
        source=settings.TIDEWIRE_SOURCE,
        epoch=epoch,
        position=position,
        previous=previous,
        event_id=event_id,
        type=type,
        topic=topic,
        subject=subject,
        time=time,
        data=json.loads(data),  # Django leaves JSON from plain SQL as text
        version=type_version(type),
    )
    return Envelope(position, topic, type, encode(event))


