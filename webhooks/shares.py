"""Who serves which endpoints: all senders share them, in parts that each belong to one sender at a time.

A part is an advisory lock of the sender's session, so what it may do to an endpoint (how many tries at once, how many a
second) is counted in its own memory. A sender that dies loses its parts at once, one that was stopped after seconds.
"""

import math

import psycopg

# Any number that nobody else in this database locks; it is "send" in ASCII.
KEY = 0x73656E64
PARTS = 16
ALL = range(PARTS)
# Every sender holds this one together with the others: so each knows how many they are.
MEMBER = 1000
# A sender asks every second; of one that does not, because it was stopped, the server ends the session.
IDLE = "5s"

JOIN = f"""
    SELECT pg_advisory_lock_shared({KEY}, {MEMBER}), set_config('idle_session_timeout', '{IDLE}', false)
"""
COUNT = f"""
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = {KEY} AND objid = {MEMBER} AND objsubid = 2 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
TAKE = f"SELECT part FROM unnest(%s::int[]) AS part WHERE pg_try_advisory_lock({KEY}, part) LIMIT %s"
GIVE = f"SELECT pg_advisory_unlock({KEY}, part) FROM unnest(%s::int[]) AS part"


def part_of(endpoint_id: int) -> int:
    """Return the part to which an endpoint belongs."""
    return endpoint_id % PARTS


class Shares:
    """The parts of one sender, by one session."""

    def __init__(self) -> None:
        self.held: set[int] = set()
        # Too many: nothing more is begun for them, and they are given back when nothing is under way.
        self.leaving: set[int] = set()
        self._session: psycopg.Connection | None = None

    @property
    def served(self) -> list[int]:
        """Return the parts for which tries may begin."""
        return sorted(self.held - self.leaving)

    def balance(self, session: psycopg.Connection, busy: set[int]) -> None:
        """Take or give back parts, so that every sender has about as many; `busy` are those with something under way.

        With another session than before, all parts are to be taken anew.
        """
        if session is not self._session:
            self.held, self.leaving, self._session = set(), set(), session
            session.execute(JOIN)
        senders = _number(session, COUNT)
        fair = math.ceil(PARTS / max(1, senders))
        self._give(session, fair, busy)
        if (missing := fair - len(self.held)) > 0:
            self._take(session, missing)

    def leave(self, session: psycopg.Connection, busy: set[int]) -> None:
        """Give back all parts with nothing under way, and let the server know that this sender still lives."""
        if session is self._session:
            session.execute("SELECT")
            self._give(session, 0, busy)

    def _give(self, session: psycopg.Connection, fair: int, busy: set[int]) -> None:
        surplus = max(0, len(self.held) - fair)
        self.leaving = set(sorted(self.held, key=lambda part: (part in busy, part))[:surplus])
        free = sorted(self.leaving - busy)
        if free:
            session.execute(GIVE, [free])
            self.held, self.leaving = self.held.difference(free), self.leaving.difference(free)

    def _take(self, session: psycopg.Connection, missing: int) -> None:
        wanted = [part for part in ALL if part not in self.held]
        self.held.update(part for (part,) in session.execute(TAKE, [wanted, missing]).fetchall())


def _number(session: psycopg.Connection, statement: str) -> int:
    row = session.execute(statement).fetchone()
    assert row is not None
    return int(row[0])
