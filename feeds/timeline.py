"""The home timeline: what was pushed, what is still to be pushed, and what is looked up, as one list of entries.

Which entries they are is only a proposal: whether the reader may see them is asked of the rows, each time.
"""

from copy import copy
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Q, QuerySet

from feeds import materialisation
from feeds.models import Entry

END = 2**63 - 1
# So many are proposed at most when those proposed first may not be seen.
PROPOSED = 400

# Each feed once, one's own by itself: a feed that came twice would take another's place on the page.
_FOLLOWED = """
    SELECT follow.feed_id, follow.is_pushed AND NOT feed.is_pulled AS is_pushed
    FROM feeds_follow AS follow JOIN feeds_feed AS feed ON feed.id = follow.feed_id
    WHERE follow.follower_id = %(reader)s AND follow.state = 'accepted' AND feed.owner_id <> %(reader)s
    UNION ALL SELECT id, false FROM feeds_feed WHERE owner_id = %(reader)s
"""
# The floor is read by the same statement as the rows, so that they cannot be trimmed in between.
_PROPOSE = f"""
    WITH mine AS MATERIALIZED ({_FOLLOWED})
    SELECT reader.floor, reader.active_on, ARRAY(
        (
            SELECT row.entry_id FROM feeds_timelineentry AS row JOIN mine ON mine.feed_id = row.feed_id
            WHERE row.reader_id = %(reader)s AND row.entry_id < %(before)s AND row.entry_id > reader.floor
              AND mine.is_pushed
            ORDER BY row.entry_id DESC LIMIT %(limit)s
        ) UNION (
            SELECT fanout.entry_id FROM mine JOIN feeds_fanout AS fanout ON fanout.feed_id = mine.feed_id
            WHERE mine.is_pushed AND fanout.entry_id < %(before)s AND fanout.entry_id > reader.floor
            ORDER BY fanout.entry_id DESC LIMIT %(limit)s
        ) UNION (
            SELECT entry.id FROM mine CROSS JOIN LATERAL (
                SELECT id FROM feeds_entry WHERE feed_id = mine.feed_id AND deleted_at IS NULL
                AND id < %(before)s AND id > reader.floor ORDER BY id DESC LIMIT %(limit)s
            ) AS entry WHERE NOT mine.is_pushed ORDER BY entry.id DESC LIMIT %(limit)s
        ) ORDER BY 1 DESC LIMIT %(limit)s
    )
    FROM feeds_timelinereader AS reader
    WHERE reader.user_id = %(reader)s AND reader.is_built AND reader.{materialisation.IS_FRESH}
"""
_LOOK_UP = """
    WITH mine AS MATERIALIZED ({followed})
    SELECT entry.id FROM mine CROSS JOIN LATERAL (
        SELECT id FROM feeds_entry WHERE feed_id = mine.feed_id AND deleted_at IS NULL AND id {beyond} %(bound)s
        ORDER BY id {order} LIMIT %(limit)s
    ) AS entry ORDER BY entry.id {order} LIMIT %(limit)s
"""
_OLDER = _LOOK_UP.format(followed=_FOLLOWED, beyond="<", order="DESC")
_NEWER = _LOOK_UP.format(followed=_FOLLOWED, beyond=">", order="ASC")


def page(user: Any, *, before: int | None = None, limit: int, brief: bool = False) -> list[Entry]:
    """Return the entries of the feeds that the user follows and of their own, newest first, before one of them.

    Who is mentioned in them is not read for a `brief` page.
    """
    before = END if before is None else before
    return _seen(user, lambda bound, limit: _older(user.pk, bound, limit), before, limit, brief)


def newer(user: Any, *, after: int, limit: int) -> list[Entry]:
    """Return those that come right after an entry, oldest first: the way back through the pages."""
    return _seen(user, lambda bound, limit: _look_up(_NEWER, user.pk, bound, limit), after, limit, brief=False)


def _seen(user: Any, propose, bound: int, limit: int, brief: bool) -> list[Entry]:
    """Return the first of the proposed entries that the user may see, in the order in which they are proposed."""
    rows: list[Entry] = []
    asked = limit
    while True:
        ids = propose(bound, asked)
        allowed = connection.recall(_brief if brief else _allowed, user.pk, ids) if ids else []
        found = {entry.pk: entry for entry in allowed}
        rows += [found[pk] for pk in ids if pk in found]
        if len(rows) >= limit or len(ids) < asked:
            return rows[:limit]
        bound, asked = ids[-1], min(4 * asked, PROPOSED)


def _allowed(reader: int, ids: list[int]) -> QuerySet[Entry]:
    user = get_user_model()(pk=reader)
    return Entry.objects.alive().home_of(user).shown_to(user).for_viewer(user).filter(pk__in=ids)


def _brief(reader: int, ids: list[int]) -> QuerySet[Entry]:
    return _allowed(reader, ids).prefetch_related(None)


class Proposal(NamedTuple):
    """What was pushed or is looked up above the floor, newest first."""

    floor: int
    active_on: date
    ids: list[int]


def _older(reader: int, before: int, limit: int) -> list[int]:
    proposal = _proposal(reader, before, limit)
    if proposal is None:
        materialisation.welcome(reader)
        proposal = _proposal(reader, before, limit) or Proposal(END, datetime.now(UTC).date(), [])
    if proposal.active_on < datetime.now(UTC).date():
        materialisation.touch(reader)
    ids = proposal.ids
    if len(ids) < limit and proposal.floor:
        # Below the floor nothing is pushed.
        ids += _look_up(_OLDER, reader, min(before, proposal.floor + 1), limit - len(ids))
    return ids


def _proposal(reader: int, before: int, limit: int) -> Proposal | None:
    values = {"reader": reader, "before": before, "limit": limit, "days": settings.TIDEWIRE_TIMELINE_ACTIVE_DAYS}
    with connection.prepared() as cursor:
        cursor.execute(_PROPOSE, values)
        row = cursor.fetchone()
    return Proposal(*row) if row else None


def _look_up(statement: str, reader: int, bound: int, limit: int) -> list[int]:
    with connection.prepared() as cursor:
        cursor.execute(statement, {"reader": reader, "bound": bound, "limit": limit})
        return [pk for (pk,) in cursor.fetchall()]


class Home:
    """The home timeline as the paginators take it: ordered by id, bounded by one, sliced; a queryset asks the rest."""

    before: int | None = None
    after: int | None = None
    newest_first = True

    def __init__(self, user: Any, *, brief: bool = False) -> None:
        self.user, self.brief = user, brief

    def _with(self, **changes: Any) -> "Home":
        found = copy(self)
        vars(found).update(changes)
        return found

    def order_by(self, name: str) -> "Home":
        """Return it newest first (`-id`) or oldest first (`id`)."""
        return self._with(newest_first=name.startswith("-"))

    def filter(self, *conditions: Q, **bounds: Any) -> "Home":
        """Return what comes before an entry (`id__lt`) or after one (`id__gt`)."""
        asked = dict(pair for condition in conditions for pair in condition.children) | bounds
        before, after = (asked.get(f"id__{side}", asked.get(f"pk__{side}")) for side in ("lt", "gt"))
        return self._with(before=_id(before), after=_id(after))

    def __getitem__(self, span: slice) -> list[Entry]:
        """Return a page of it."""
        if self.newest_first:
            rows = page(self.user, before=self.before, limit=span.stop, brief=self.brief)
        else:
            rows = newer(self.user, after=self.after or 0, limit=span.stop)
        return rows[span]


def _id(value: Any) -> int | None:
    return None if value is None else min(int(value), END)
