"""Pushing entries into the timelines of who follows: some readers at a time, each step a transaction of its own.

How far it has come is a row, so whoever goes on, after whatever ended the last, goes on from there.
"""

from django.conf import settings
from django.db import connection, transaction

from feeds.models import Fanout, Feed

READERS = 2500

_PUSH = """
    WITH readers AS MATERIALIZED (
        SELECT follow.follower_id FROM feeds_follow AS follow
        JOIN feeds_timelinereader AS reader ON reader.user_id = follow.follower_id
        WHERE follow.feed_id = %(feed)s AND follow.state = 'accepted' AND follow.follower_id > %(reached)s
          AND reader.active_on >= (now() AT TIME ZONE 'UTC')::date - %(days)s
        ORDER BY follow.follower_id LIMIT %(limit)s
    ), pushed AS (
        INSERT INTO feeds_timelineentry (reader_id, entry_id, feed_id)
        SELECT follower_id, %(entry)s, %(feed)s FROM readers ON CONFLICT DO NOTHING
    )
    SELECT count(*), max(follower_id) FROM readers
"""


def run() -> int:
    """Push until nothing is left; return to how many readers."""
    pushed = 0
    while (count := push()) is not None:
        pushed += count
    return pushed


@transaction.atomic
def push() -> int | None:
    """Push the next entry to its next readers; return to how many, or None when there is nothing to push."""
    waiting = Fanout.objects.filter(position__isnull=False).order_by("position")
    fanout = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("feed__counts", "entry").first()
    if fanout is None:
        return None
    if fanout.entry.deleted_at or _is_pulled(fanout.feed):
        fanout.delete()
        return 0
    return _push_on(fanout)


def _is_pulled(feed: Feed) -> bool:
    """Say whether readers look the feed's entries up; from when they must, is committed before anything is left out."""
    if not feed.is_pulled and feed.follower_count >= settings.TIDEWIRE_TIMELINE_PUSH_MAX_FOLLOWERS:
        Feed.objects.filter(pk=feed.pk).update(is_pulled=True)
        return True
    return feed.is_pulled


def _push_on(fanout: Fanout) -> int:
    values = {"feed": fanout.feed_id, "entry": fanout.entry_id, "reached": fanout.reached, "limit": READERS}
    with connection.cursor() as cursor:
        cursor.execute(_PUSH, values | {"days": settings.TIDEWIRE_TIMELINE_ACTIVE_DAYS})
        count, last = cursor.fetchone()
    if count < READERS:
        fanout.delete()
    else:
        fanout.reached = last
        fanout.save(update_fields=["reached"])
    return count
