"""The low watermark of the outbox: up to which id nothing can turn up any more, so that nobody looks there again.

While some transaction stays open, vacuum cannot remove the rows that the relay has deleted since, and a look that
begins at the lowest id steps over all of them, each time over more. Where to begin instead must be exact: a row with
a low id may commit late, and what its transaction did before others must keep its place before theirs.
"""

import time

from django.db import connection

PROMOTE_AFTER_EVENTS = 1000
PROMOTE_AFTER_SECONDS = 0.1
# Whoever turns back the sequence, or restores rows by hand, waits no longer than this.
WHOLE_LOOK_SECONDS = 5.0

# Where to begin, in the snapshot of the very statement that looks: at the bottom once one of the transactions that
# were passed over has ended.
FLOOR = """
    (SELECT CASE WHEN EXISTS (
        SELECT FROM unnest(%s::text[]) AS passed(id) WHERE pg_visible_in_snapshot(id::xid8, pg_current_snapshot())
    ) THEN 0 ELSE %s::bigint END)
"""

# Whoever has taken an id from the outbox's sequence holds this lock until its transaction ends; one that was prepared
# for a commit in two phases has no process.
WRITERS = """
    SELECT writer.virtualtransaction, running.xid::text
    FROM pg_locks AS writer
    LEFT JOIN pg_locks AS own ON own.locktype = 'transactionid' AND own.granted AND own.mode = 'ExclusiveLock'
        AND own.virtualtransaction = writer.virtualtransaction
    LEFT JOIN pg_snapshot_xip(pg_current_snapshot()) AS running(xid) ON running.xid::xid = own.transactionid
    WHERE writer.locktype = 'relation' AND writer.relation = 'events_outbox'::regclass
        AND writer.mode = 'RowExclusiveLock' AND writer.pid IS DISTINCT FROM pg_backend_pid()
"""


class Watermark:
    """One relay's knowledge of where to begin."""

    def __init__(self) -> None:
        self._floor = self._moved = self._candidate = 0
        self._passed: list[str] = []
        self._writers: set[str] = set()
        self._next: list[str] | None = None
        self._chosen = 0.0
        self._whole = time.monotonic()

    def bounds(self) -> tuple[list[str], int]:
        """Return the open transactions that are passed over, and the id after which to look."""
        if time.monotonic() - self._whole >= WHOLE_LOOK_SECONDS:
            self._whole = time.monotonic()
            return [], 0
        return self._passed, self._floor

    def prepare(self) -> None:
        """Before a batch: find out who of those that may hold ids up to the candidate is still at work."""
        if not self._candidate or time.monotonic() - self._chosen < PROMOTE_AFTER_SECONDS:
            return
        found = {writer: xid for writer, xid in _writers().items() if writer in self._writers}
        # One without a number has taken an id and not written its row yet; by and by it gets one, or ends.
        self._next = None if None in found.values() else [xid for xid in found.values() if xid]

    def take(self, count: int, last: int, complete: bool) -> None:
        """After a batch, which took the lowest ids: the floor rises to the candidate once all up to it were seen."""
        self._moved += count
        if self._next is not None and (complete or last >= self._candidate):
            self._floor, self._passed, self._candidate, self._next = self._candidate, self._next, 0, None
        elif not self._candidate and self._moved >= PROMOTE_AFTER_EVENTS and count:
            self._candidate, self._moved, self._chosen = last, 0, time.monotonic()
            self._writers = set(_writers())


def _writers() -> dict[str, str | None]:
    """Return the transactions that may hold rows of the outbox nobody sees yet, with their numbers."""
    with connection.cursor() as cursor:
        cursor.execute(WRITERS)
        return dict(cursor.fetchall())
