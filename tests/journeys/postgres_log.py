"""The log as PostgreSQL has it, kept once it was seen: what a transcript is held against."""

import psycopg

from events.cursor import Cursor
from tests.journeys.transcript import Told

READ = "SELECT position, topic, type, event_id::text FROM events_event WHERE position > %s ORDER BY position"


class PostgresLog:
    """Answers what a `Transcript` asks, by a connection of its own; what is pruned later is still known."""

    def __init__(self, url):
        self.connection = psycopg.connect(url, autocommit=True)
        head = self.head()
        self._first, self._known, self._epoch = head.position, [], head.epoch

    def head(self):
        """Return where the log stands."""
        return Cursor(*self.connection.execute("SELECT epoch, position FROM events_loghead").fetchone())

    def epoch(self):
        """Return the present epoch."""
        return self.head().epoch

    def pruned(self):
        """Return up to where the log was pruned."""
        return self.connection.execute("SELECT pruned FROM events_loghead").fetchone()[0]

    def read(self):
        """Look at what is new."""
        for row in self.connection.execute(READ, [self._first + len(self._known)]):
            assert row[0] == self._first + len(self._known) + 1, f"position {row[0]} is not the next one"
            self._known.append(Told(*row))

    def between(self, after, upto):
        """Return every event after the one cursor, up to the other."""
        if upto.position > self._first + len(self._known):
            self.read()
        return self._known[max(0, after.position - self._first) : max(0, upto.position - self._first)]

    def tell(self, facts):
        """Commit events as a writer does who wakes nobody; `facts` are topics and types."""
        with self.connection.transaction():
            for topic, type in facts:
                self.connection.execute(
                    "INSERT INTO events_outbox (event_id, type, topic, subject, data, time) "
                    "VALUES (gen_random_uuid(), %s, %s, 'things/1', '{}', clock_timestamp())",
                    [type, topic],
                )

    def tell_much(self, topic, count, size=100_000):
        """Commit many large events in one statement."""
        self.connection.execute(
            "INSERT INTO events_outbox (event_id, type, topic, subject, data, time) "
            "SELECT gen_random_uuid(), 'tests.blob.told', %s, 'blobs/1', "
            "jsonb_build_object('number', number, 'blob', repeat('x', %s)), clock_timestamp() "
            "FROM generate_series(1, %s) AS number",
            [topic, size, count],
        )

    def close(self):
        """Close the connection."""
        self.connection.close()
