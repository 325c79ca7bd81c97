"""The group upsert: however many tell one recipient of one subject at once, they join one open group, all counted.

Each function is a few statements for any number of rows. Whoever calls holds the inboxes (`Inbox.turns`).
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.utils import timezone

from notifications.kinds import Notice
from notifications.models import Happening, Notification, Participant

# After so long more of the same opens a new group: last week's likes are news of last week.
WINDOW = timedelta(hours=24)
# So many of those who did it are named.
NAMED = 3

UPSERT = """
    INSERT INTO notifications_notification AS old (
        recipient_id, kind, group_key, is_listed, subject_type, subject_id, subject_url, within, topic, details,
        people, event_count, created_at, changed_at, is_open, actor_count, version)
    SELECT new.*, %(now)s, %(now)s, true, 0, 1 FROM jsonb_to_recordset(%(groups)s::jsonb) AS new(
        recipient bigint, kind text, group_key text, is_listed boolean, subject_type text, subject_id text,
        subject_url text, "within" text, topic text, details jsonb, people jsonb, event_count integer)
    ON CONFLICT (recipient_id, group_key) WHERE is_open DO UPDATE SET
        event_count = old.event_count + excluded.event_count, version = old.version + 1,
        changed_at = excluded.changed_at, subject_url = excluded.subject_url, topic = excluded.topic,
        details = excluded.details, seen_at = NULL
    RETURNING id, recipient_id, group_key, old.people, xmax = 0
"""

JOIN = """
    INSERT INTO notifications_participant AS old (notification_id, actor_id, event_count, last_at)
    SELECT new.*, %(now)s FROM jsonb_to_recordset(%(people)s::jsonb) AS new(
        notification bigint, actor bigint, event_count integer)
    ON CONFLICT (notification_id, actor_id) DO UPDATE SET
        event_count = old.event_count + excluded.event_count, last_at = excluded.last_at
    RETURNING notification_id, xmax = 0
"""

COUNT = """
    UPDATE notifications_notification AS old SET actor_count = old.actor_count + new.joined, people = new.people
    FROM jsonb_to_recordset(%(counts)s::jsonb) AS new(id bigint, joined integer, people jsonb)
    WHERE old.id = new.id
"""

CLOSE = """
    UPDATE notifications_notification AS old SET is_open = false
    FROM jsonb_to_recordset(%(groups)s::jsonb) AS new(recipient bigint, group_key text)
    WHERE old.is_open AND old.recipient_id = new.recipient AND old.group_key = new.group_key
      AND old.created_at < %(before)s
"""


@dataclass(slots=True)
class Group:
    """What joins one open group at once."""

    recipient: int
    key: str
    notice: Notice
    is_listed: bool
    # As it is told; the storm's is another than the notice's.
    shown: dict[str, Any]
    parts: list[tuple[Notice, UUID]] = field(default_factory=list)
    id: int = 0
    is_new: bool = False

    @property
    def people(self) -> list[dict[str, Any]]:
        """Return who did it, the latest first, each once."""
        latest = {each.actor: each.actor_name for each, _ in self.parts if each.actor}
        return [{"id": id, "username": name} for id, name in reversed(latest.items())]


def upsert(groups: Sequence[Group]) -> None:
    """Write the groups, what happened and who did it; each group then knows its row and whether it is new."""
    now = timezone.now()
    _close_what_is_over(groups, now)
    known = _upsert_groups(groups, now)
    Happening.objects.bulk_create([_happening(group, *part, now) for group in groups for part in group.parts])
    joined = _join(groups, now)
    counts = [
        {"id": each.id, "joined": joined.get(each.id, 0), "people": _newest(each.people, known[each.id])}
        for each in groups
        if each.people
    ]
    _execute(COUNT, counts=counts)


def _upsert_groups(groups: Sequence[Group], now: datetime) -> dict[int, list[dict[str, Any]]]:
    by_key = {(each.recipient, each.key): each for each in groups}
    known = {}
    rows = [_row(each) for each in groups]
    for id, recipient, key, people, is_new in _execute(UPSERT, now=now, groups=rows):
        group = by_key[recipient, key]
        group.id, group.is_new = id, is_new
        known[id] = [] if is_new else json.loads(people) if isinstance(people, str) else people
    return known


def _row(group: Group) -> dict[str, Any]:
    bare = {"recipient": group.recipient, "group_key": group.key, "is_listed": group.is_listed}
    return bare | group.shown | {"people": [], "event_count": len(group.parts)}


def _happening(group: Group, notice: Notice, event: UUID, now: datetime) -> Happening:
    return Happening(
        recipient_id=group.recipient,
        source_event=event,
        kind=notice.kind,
        actor_id=notice.actor,
        notification_id=group.id,
        cause=notice.cause,
        at=now,
    )


def _join(groups: Iterable[Group], now: datetime) -> dict[int, int]:
    """Count people in, and return by group how many were not in it."""
    counted: dict[tuple[int, int], int] = {}
    for group in groups:
        for notice, _ in group.parts:
            if notice.actor:
                counted[group.id, notice.actor] = counted.get((group.id, notice.actor), 0) + 1
    people = [{"notification": id, "actor": actor, "event_count": n} for (id, actor), n in counted.items()]
    joined: dict[int, int] = {}
    for id, is_new in _execute(JOIN, now=now, people=people):
        joined[id] = joined.get(id, 0) + is_new
    return joined


def _newest(people: list[dict[str, Any]], before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = {each["id"] for each in people}
    return [*people, *(each for each in before if each["id"] not in names)][:NAMED]


def _close_what_is_over(groups: Iterable[Group], now: datetime) -> None:
    rows = [{"recipient": each.recipient, "group_key": each.key} for each in groups]
    _execute(CLOSE, groups=rows, before=now - WINDOW)


def _execute(statement: str, now: datetime | None = None, before: datetime | None = None, **rows: list) -> list[tuple]:
    if not any(rows.values()):
        return []
    given = {name: json.dumps(value) for name, value in rows.items()}
    with connection.cursor() as cursor:
        cursor.execute(statement, {"now": now, "before": before, **given})
        return cursor.fetchall() if cursor.description else []


def part(rows: Sequence[Happening]) -> list[Notification]:
    """Take out what was undone; return the notifications concerned as they are now, empty ones with no event left."""
    lost = Counter(row.notification_id for row in rows)
    left = Counter(row.notification_id for row in rows if row.actor_id and _leave(row.notification_id, row.actor_id))
    Happening.objects.filter(pk__in=[row.pk for row in rows]).delete()
    changed = list(Notification.objects.filter(pk__in=lost).order_by("pk"))
    for each in changed:
        each.event_count -= lost[each.pk]
        each.actor_count -= left[each.pk]
        each.version += 1
        each.people = _who_is_left(each) if left[each.pk] else each.people
    Notification.objects.bulk_update(changed, ["event_count", "version", "actor_count", "people"])
    return changed


def _leave(notification: int, actor: int) -> bool:
    """Count one thing less that somebody did; say whether it was their last one."""
    its = Participant.objects.filter(notification=notification, actor=actor)
    if its.filter(event_count__gt=1).update(event_count=F("event_count") - 1):
        return False
    return bool(its.delete()[0])


def _who_is_left(notification: Notification) -> list[dict[str, Any]]:
    newest = Participant.objects.filter(notification=notification).order_by("-last_at", "-pk")[:NAMED]
    return [{"id": id, "username": name} for id, name in newest.values_list("actor_id", "actor__username")]
