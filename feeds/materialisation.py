"""Filling a reader's timeline: when they come (back), follow or leave a feed, and trimming what has grown too long.

Whoever pushes must be able to see that a reader is active and follows a feed before what was there earlier is read for
them: then what is committed in between is in the one or the other. So each of both is committed first, by a
transaction of its own, and only a later statement fills; what one statement saw is what it marks as pushed.
"""

from django.conf import settings
from django.db import connection, transaction

from feeds.models import Feed, Follow, TimelineReader

FILLED = 400
BACKFILL = 100
MOST = 800
READERS = 1000
# Of the number of followers from which a feed is pulled; below that part it is pushed again.
PUSHED_AGAIN = 0.8

# A day less than pushing goes by, so that a clock that turns to the next day in between leaves nobody out.
IS_FRESH = "active_on > (now() AT TIME ZONE 'UTC')::date - (%(days)s - 1)"

_ACTIVATE = """
    INSERT INTO feeds_timelinereader (user_id, active_on, is_built, floor)
    VALUES (%(reader)s, (now() AT TIME ZONE 'UTC')::date, false, 0)
    ON CONFLICT (user_id) DO UPDATE SET active_on = excluded.active_on, is_built = false
"""
_TOUCH = f"""
    UPDATE feeds_timelinereader SET active_on = (now() AT TIME ZONE 'UTC')::date
    WHERE user_id = %(reader)s AND active_on < (now() AT TIME ZONE 'UTC')::date AND {IS_FRESH}
"""
_LOCK = f"SELECT is_built AND {IS_FRESH} FROM feeds_timelinereader WHERE user_id = %(reader)s FOR UPDATE"

_FILL = """
    WITH mine AS MATERIALIZED (
        SELECT follow.id, follow.feed_id FROM feeds_follow AS follow JOIN feeds_feed AS feed ON feed.id = follow.feed_id
        WHERE follow.follower_id = %(reader)s AND follow.state = 'accepted' AND NOT feed.is_pulled
    ), newest AS MATERIALIZED (
        SELECT entry.id, entry.feed_id FROM mine CROSS JOIN LATERAL (
            SELECT id, feed_id FROM feeds_entry WHERE feed_id = mine.feed_id AND deleted_at IS NULL
            ORDER BY id DESC LIMIT %(limit)s
        ) AS entry ORDER BY entry.id DESC LIMIT %(limit)s
    ), filled AS (
        INSERT INTO feeds_timelineentry (reader_id, entry_id, feed_id)
        SELECT %(reader)s, id, feed_id FROM newest ON CONFLICT DO NOTHING
    ), marked AS (
        UPDATE feeds_follow SET is_pushed = true WHERE id IN (SELECT id FROM mine) AND NOT is_pushed
    )
    UPDATE feeds_timelinereader SET is_built = true, floor = (
        SELECT CASE WHEN count(*) < %(limit)s THEN 0 ELSE min(id) - 1 END FROM newest
    ) WHERE user_id = %(reader)s
"""
_BACKFILL = """
    WITH mine AS MATERIALIZED (
        SELECT follow.id, follow.feed_id FROM feeds_follow AS follow JOIN feeds_feed AS feed ON feed.id = follow.feed_id
        WHERE follow.follower_id = %(reader)s AND follow.feed_id = %(feed)s AND follow.state = 'accepted'
          AND NOT follow.is_pushed AND NOT feed.is_pulled
    ), newest AS MATERIALIZED (
        SELECT entry.id, entry.feed_id FROM mine JOIN feeds_entry AS entry ON entry.feed_id = mine.feed_id
        WHERE entry.deleted_at IS NULL
          AND entry.id > (SELECT floor FROM feeds_timelinereader WHERE user_id = %(reader)s)
        ORDER BY entry.id DESC LIMIT %(limit)s + 1
    ), few AS (
        SELECT count(*) <= %(limit)s AS fit FROM newest
    ), filled AS (
        INSERT INTO feeds_timelineentry (reader_id, entry_id, feed_id)
        SELECT %(reader)s, id, feed_id FROM newest WHERE (SELECT fit FROM few) ON CONFLICT DO NOTHING
    ), marked AS (
        UPDATE feeds_follow SET is_pushed = true WHERE id IN (SELECT id FROM mine) AND (SELECT fit FROM few)
    )
    SELECT fit FROM few
"""
_REMOVE = """
    DELETE FROM feeds_timelineentry WHERE reader_id = %(reader)s AND feed_id = %(feed)s AND NOT EXISTS (
        SELECT FROM feeds_follow WHERE follower_id = %(reader)s AND feed_id = %(feed)s AND state = 'accepted'
    )
"""
_LONG = f"""
    SELECT reader.user_id, NOT {IS_FRESH} FROM (
        SELECT * FROM feeds_timelinereader WHERE user_id > %(after)s ORDER BY user_id LIMIT %(limit)s
    ) AS reader CROSS JOIN LATERAL (
        SELECT count(*) AS held FROM feeds_timelineentry WHERE reader_id = reader.user_id
    ) AS rows WHERE held > CASE WHEN {IS_FRESH} THEN %(most)s ELSE 0 END
"""
_RAISE = """
    UPDATE feeds_timelinereader SET floor = greatest(floor, coalesce((
        SELECT entry_id FROM feeds_timelineentry WHERE reader_id = %(reader)s
        ORDER BY entry_id DESC OFFSET %(limit)s LIMIT 1
    ), 0)) WHERE user_id = %(reader)s
"""
_CUT = """
    DELETE FROM feeds_timelineentry WHERE reader_id = %(reader)s
    AND entry_id <= (SELECT floor FROM feeds_timelinereader WHERE user_id = %(reader)s)
"""


def _run(statement: str, **values) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"days": settings.TIDEWIRE_TIMELINE_ACTIVE_DAYS} | values)
        return cursor.fetchall() if cursor.description else []


def _lock(reader: int) -> bool | None:
    """Lock the reader's row; say whether their timeline is built and fresh, or None if they have none."""
    rows = _run(_LOCK, reader=reader)
    return rows[0][0] if rows else None


def touch(reader: int) -> None:
    """Note that somebody reads today; once a day is enough, and who was away too long must be welcomed instead."""
    _run(_TOUCH, reader=reader)


def welcome(reader: int) -> None:
    """Build the timeline of somebody who comes for the first time, or back; twice is once."""
    # In one transaction with the filling, pushes would not see that the reader is there before it is committed.
    with transaction.atomic(durable=True):
        _run(_ACTIVATE, reader=reader)
    with transaction.atomic():
        if _lock(reader) is False:
            _fill(reader)


def _fill(reader: int) -> None:
    _run(_FILL, reader=reader, limit=FILLED)
    _run(_CUT, reader=reader)


@transaction.atomic
def add_feed(reader: int, feed: int) -> None:
    """Push what is there to a new follower, or if that is much, fill their timeline anew; until then it is pulled."""
    if _lock(reader) and not _run(_BACKFILL, reader=reader, feed=feed, limit=BACKFILL)[0][0]:
        _fill(reader)


@transaction.atomic
def remove_feed(reader: int, feed: int) -> None:
    """Forget what was pushed to somebody who follows the feed no more."""
    if _lock(reader) is not None:
        _run(_REMOVE, reader=reader, feed=feed)


def trim() -> int:
    """Shorten the timelines that have grown too long, and empty those of who was away; return how many."""
    trimmed, after = 0, 0
    while readers := _next_readers(after):
        for reader, is_away in _run(_LONG, after=after, limit=READERS, most=MOST):
            trimmed += 1
            _shorten(reader, 0 if is_away else FILLED)
        after = readers[-1]
    return trimmed


def _next_readers(after: int) -> list[int]:
    rows = TimelineReader.objects.filter(pk__gt=after).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:READERS])


@transaction.atomic
def _shorten(reader: int, limit: int) -> None:
    is_fresh = _lock(reader)
    if not limit and not is_fresh:
        TimelineReader.objects.filter(pk=reader).update(is_built=False)
        _run("DELETE FROM feeds_timelineentry WHERE reader_id = %(reader)s", reader=reader)
    elif limit:
        _run(_RAISE, reader=reader, limit=limit)
        _run(_CUT, reader=reader)


def push_again() -> int:
    """Let feeds be pushed again that have lost most of their followers; return how many."""
    few = settings.TIDEWIRE_TIMELINE_PUSH_MAX_FOLLOWERS * PUSHED_AGAIN
    small = Feed.objects.filter(is_pulled=True).exclude(counts__follower_count__gte=few)
    return sum(_push_again(pk) for pk in small.values_list("pk", flat=True))


@transaction.atomic
def _push_again(feed: int) -> bool:
    if not Feed.objects.select_for_update(no_key=True).filter(pk=feed, is_pulled=True).exists():
        return False
    # Nothing was pushed meanwhile: each follow is pulled until its reader's timeline is filled the next time.
    Follow.objects.filter(feed=feed, is_pushed=True).update(is_pushed=False)
    return bool(Feed.objects.filter(pk=feed).update(is_pulled=False))
