"""The relay: takes committed events out of the outbox, gives each the next position, and tells the live side.

One leader at a time, in plain SQL, needing PostgreSQL alone. Why not a serial id: a lower one can commit later, and a
reader who has passed it would never see it. Here an event has no position before it is committed.
"""

import json
import logging
from dataclasses import dataclass

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
# A leader that was stopped in mid-batch loses its connection, and so the lock, after this long.
FROZEN_LEADER = "5s"

TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"

# Its own statement after the lock: under READ COMMITTED only a new statement sees what the last leader committed.
READ_HEAD = """
    SELECT head.epoch, head.identity, head.position,
           system.system_identifier || '/' || checkpoint.timeline_id || '/' || database.oid AS identity
    FROM events_loghead AS head, pg_control_system() AS system, pg_control_checkpoint() AS checkpoint,
         pg_database AS database
    WHERE head.id = 1 AND database.datname = current_database()
    FOR UPDATE OF head
"""

MOVE = """
    WITH batch AS (
        DELETE FROM events_outbox WHERE id IN (SELECT id FROM events_outbox ORDER BY id LIMIT %(limit)s)
        RETURNING *
    ), numbered AS (
        SELECT *, %(head)s + row_number() OVER (ORDER BY id) AS position FROM batch
    ), linked AS (
        SELECT numbered.*, coalesce(
            lag(numbered.position) OVER (PARTITION BY topic ORDER BY numbered.position), known.position, 0
        ) AS previous
        FROM numbered LEFT JOIN events_topic AS known ON known.name = numbered.topic
    ), logged AS (
        INSERT INTO events_event (position, event_id, type, topic, subject, data, time, extensions, previous)
        SELECT position, event_id, type, topic, subject, data, time, extensions, previous FROM linked ORDER BY position
        RETURNING position, event_id, type, topic, subject, data, time, extensions, previous
    ), heads AS (
        INSERT INTO events_topic (name, position) SELECT topic, max(position) FROM numbered GROUP BY topic
        ON CONFLICT (name) DO UPDATE SET position = excluded.position
    ), head AS (
        UPDATE events_loghead SET position = position + (SELECT count(*) FROM batch) WHERE id = 1
    )
    SELECT position, event_id, type, topic, subject, data, time, extensions, previous FROM logged ORDER BY position
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that have just got their positions, encoded for the live side."""

    epoch: str
    events: list[Envelope]


def run() -> int:
    """Move everything that is committed from the outbox to the log; return how many events.

    Another leader at work is no error: it sees what this call would have seen, or looks once more before it ends.
    """
    moved = 0
    while (batch := _move_batch()) is not None:
        if batch.events:
            moved += len(batch.events)
            channel.announce(batch.epoch, batch.events)
        # The lock is free again: what was committed meanwhile, and whose wake-up found the lock held, is seen now.
        if len(batch.events) < BATCH and not _anything_waits():
            break
    return moved


def ensure_epoch() -> None:
    """Mint a new epoch if this is another database than the one the epoch belongs to."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TRY_LOCK, [LOCK_KEY])
        if cursor.fetchone()[0]:
            _read_head(cursor)


def _move_batch() -> Batch | None:
    """Move one batch in a transaction of its own; None when another leader is at work."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(TRY_LOCK, [LOCK_KEY])
        if not cursor.fetchone()[0]:
            return None
        cursor.execute("SET LOCAL synchronous_commit = on")
        cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{FROZEN_LEADER}'")
        epoch, head = _read_head(cursor)
        cursor.execute(MOVE, {"limit": BATCH, "head": head})
        return Batch(epoch, [_envelope(epoch, *row) for row in cursor.fetchall()])


def _read_head(cursor) -> tuple[str, int]:
    cursor.execute(READ_HEAD)
    epoch, known, position, identity = cursor.fetchone()
    if known == identity:
        return epoch, position
    if known:
        epoch = new_epoch()
        logger.warning("The log now lives in another database; its cursors begin with %s from here on.", epoch)
    cursor.execute("UPDATE events_loghead SET epoch = %s, identity = %s WHERE id = 1", [epoch, identity])
    return epoch, position


def _envelope(epoch, position, event_id, type, topic, subject, data, time, extensions, previous) -> Envelope:
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
        extensions=json.loads(extensions) if extensions else None,
    )
    return Envelope(position, topic, type, encode(event))


def _anything_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM events_outbox)")
        return cursor.fetchone()[0]
