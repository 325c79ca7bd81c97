"""A like is one statement: checked, counted, kept and told, so that a hot entry's counts are held no longer than that.

All who like an entry wait for one row, each until the one before has committed. As separate statements every like would
hold it while its process is scheduled again, twice; so the commit alone is left to wait for. The count comes first: who
finds that the entry has ended meanwhile has done nothing yet.
"""

from contextlib import nullcontext

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from events.actions import Fact, telling, told
from feeds import event_types, payloads
from feeds.models import Entry, EntryCounts, Reaction

_STATEMENT = """
    WITH fresh AS (
        SELECT id FROM feeds_entry WHERE id = %(entry)s AND deleted_at IS NULL AND hidden_at IS NULL
        AND NOT EXISTS (SELECT FROM feeds_reaction WHERE entry_id = %(entry)s AND user_id = %(user)s AND kind = 'like')
        AND NOT EXISTS (SELECT FROM access_block
                        WHERE (blocker_id, blocked_id) IN ((%(user)s, %(author)s), (%(author)s, %(user)s)))
    ), counted AS (
        INSERT INTO feeds_entrycounts AS old (entry_id, version, written, like_count, comment_count)
        SELECT id, 2, 1, 1, 0 FROM fresh
        ON CONFLICT (entry_id) DO UPDATE SET like_count = old.like_count + 1, version = old.version + 1
        WHERE NOT old.is_closed RETURNING *
    ), kept AS (
        INSERT INTO feeds_reaction (entry_id, user_id, kind, created_at)
        SELECT entry_id, %(user)s, 'like', %(now)s FROM counted
    ), told AS ({telling})
    SELECT {columns} FROM counted
"""
_COLUMNS = [field.column for field in EntryCounts._meta.concrete_fields]
# The count is told by the feed's topic, and who it was, which is in the fact already, to the author.
_DATA = """
    CASE fact.type WHEN 'feeds.entry.liked' THEN fact.data ELSE jsonb_build_object('entry', jsonb_build_object(
        'id', entry_id, 'like_count', like_count, 'comment_count', comment_count, 'version', version
    )) END
"""


def make(entry: Entry, user) -> bool:
    """Like an entry, which then holds the exact counts; say whether it is new: twice or past a block it is not."""
    telling_it, values = telling(_facts(entry, user), source="counted", data=_DATA)
    values |= {"entry": entry.pk, "user": user.pk, "author": entry.author_id, "now": timezone.now()}
    row = _execute(_STATEMENT.format(telling=telling_it, columns=", ".join(_COLUMNS)), values)
    if row is None:
        return False
    entry.counts = EntryCounts(**dict(zip(_COLUMNS, row, strict=True)))
    told()
    return True


def _facts(entry: Entry, user) -> list[Fact]:
    subject = f"entries/{entry.pk}"
    to_author = payloads.reaction(Reaction(entry=entry, user=user))
    return [
        Fact(event_types.ENTRY_COUNTED, event_types.topic_of(entry), subject, None),
        Fact(event_types.ENTRY_LIKED, f"users.{entry.author_id}", subject, to_author),
    ]


def _execute(statement: str, values: dict) -> tuple | None:
    try:
        # Alone it is its own transaction; within one it takes back only itself.
        with transaction.atomic() if connection.in_atomic_block else nullcontext(), connection.prepared() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()
    except IntegrityError:
        # The same like was quicker by a hair.
        return None
