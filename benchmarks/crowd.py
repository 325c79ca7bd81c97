"""A crowd with feeds, follows and entries, written by plain SQL: 100,000 users take a minute or two.

Few feeds have many followers and most have few, as everywhere; each user follows about twenty. Two feeds stand out: one
has 10,000 followers, or as many as there are users, and all users follow the other.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

USERS = """
    INSERT INTO access_user (id, username, password, email, first_name, last_name,
                             is_staff, is_active, is_superuser, date_joined, suspended_reason,
                             time_zone, language)
    SELECT row, 'crowd-' || row, '!', '', '', '', false, true, false, now(), '', 'UTC', 'en'
    FROM generate_series(1, %(users)s) AS row
"""
FEEDS = """
    INSERT INTO feeds_feed (id, owner_id, slug, title, description, visibility, is_personal, is_pulled, created_at)
    SELECT row, row, 'crowd-' || row, 'Crowd', '', 'public', true, false, now()
    FROM generate_series(1, %(users)s) AS row
"""
FOLLOWS = """
    INSERT INTO feeds_follow (feed_id, follower_id, state, notify, muted, version, created_at, is_pushed)
    SELECT 3 + floor((%(users)s - 3) * random() ^ 3), 1 + row %% %(users)s, 'accepted', false, false, 1, now(), false
    FROM generate_series(1, %(follows)s) AS row
    UNION ALL SELECT 1, row, 'accepted', false, false, 1, now(), false FROM generate_series(2, %(many)s + 1) AS row
    UNION ALL SELECT 2, row, 'accepted', false, false, 1, now(), false FROM generate_series(1, %(users)s) AS row
    ON CONFLICT DO NOTHING
"""
COUNTS = """
    INSERT INTO feeds_feedcounts (feed_id, follower_count, version, written)
    SELECT feed_id, count(*), 1 + count(*), 1 FROM feeds_follow GROUP BY feed_id
"""
ENTRIES = """
    INSERT INTO feeds_entry (feed_id, author_id, kind, text, visibility, hidden_reason, created_at)
    SELECT pick, pick, 'post', repeat('Something said in a feed. ', 6), 'public', '',
           now() - make_interval(secs => %(entries)s - row)
    FROM (
        SELECT row, 3 + floor((%(users)s - 3) * random() ^ 2) AS pick FROM generate_series(1, %(entries)s) AS row
    ) AS chosen
"""
ACTIVE = """
    INSERT INTO feeds_timelinereader (user_id, active_on, is_built, floor)
    SELECT row, (now() AT TIME ZONE 'UTC')::date, false, 0 FROM generate_series(1, %(users)s) AS row
"""
AFTER = """
    SELECT setval('access_user_id_seq', %(users)s), setval('feeds_feed_id_seq', %(users)s)
"""
REFERENCES = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'
"""
MANY = 10_000


@contextmanager
def _checked_at_once(connection: psycopg.Connection, table: str) -> Iterator[None]:
    """Check the foreign keys of millions of rows by one join afterwards, not row by row."""
    references = connection.execute(REFERENCES, [table]).fetchall()
    for name, _ in references:
        connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    yield
    for name, definition in references:
        connection.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


def _run(connection: psycopg.Connection, name: str, statement: str, values: dict) -> None:
    began = time.perf_counter()
    count = psycopg.ClientCursor(connection).execute(statement, values).rowcount
    print(f"  {name}: {count} in {time.perf_counter() - began:.0f} s", flush=True)


def build(url: str, *, users: int, follows: int) -> None:
    """Make the users, their feeds and who follows them; all of them have read their timelines today."""
    values = {"users": users, "follows": follows, "many": min(MANY, users - 2)}
    with psycopg.connect(url, autocommit=True) as connection:
        steps = {"users": USERS, "feeds": FEEDS, "follows": FOLLOWS, "counts": COUNTS, "readers": ACTIVE}
        with _checked_at_once(connection, "feeds_follow"):
            for name, statement in steps.items():
                _run(connection, name, statement, values)
        psycopg.ClientCursor(connection).execute(AFTER, values)
        connection.execute("VACUUM ANALYZE")


def publish(url: str, *, users: int, entries: int) -> None:
    """Write entries as if all had been pushed long ago, which timelines that are built later take up."""
    with psycopg.connect(url, autocommit=True) as connection:
        with _checked_at_once(connection, "feeds_entry"):
            _run(connection, "entries", ENTRIES, {"users": users, "entries": entries})
        connection.execute("VACUUM ANALYZE feeds_entry")
