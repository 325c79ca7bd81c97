"""Broadcasts: told a piece at a time, each with its progress in one transaction, so that it goes on after a kill."""

from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from access import audiences
from access.models import User
from notifications import inboxes
from notifications.kinds import Kind, Notice, Undone
from notifications.models import Broadcast

CHUNK = 200
RECENTLY = timedelta(days=30)
Status = Broadcast.Status


def run() -> int:
    """Send every broadcast that is due to its end; return how many people were told."""
    total = 0
    while (count := _tell_some()) is not None:
        total += count
    return total


@transaction.atomic
def _tell_some() -> int | None:
    """Tell the next piece of an audience; None when nothing is due."""
    due = Broadcast.objects.filter(status__in=[Status.SCHEDULED, Status.SENDING], due_at__lte=timezone.now())
    row = due.select_for_update(skip_locked=True).order_by("due_at").first()
    if row is None:
        return None
    people = members(row.audience, row.after, CHUNK)
    inboxes.tell([(notice_of(row, person), row.source_event) for person in people])
    row.status, row.told_count = Status.SENDING, row.told_count + len(people)
    if people:
        row.after = people[-1]
    if len(people) < CHUNK:
        row.status, row.finished_at = Status.SENT, timezone.now()
    row.save(update_fields=["status", "told_count", "after", "finished_at"])
    return len(people)


def members(audience: str, after: int, limit: int) -> list[int]:
    """Return the next ids of an audience, in order."""
    if (own := _own(audience)) is not None:
        return list(own.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:limit])
    return audiences.members(audience, after, limit)


def count(audience: str) -> int:
    """Return how many an audience of staff's has now."""
    own = _own(audience)
    return 0 if own is None else own.count()


def _own(audience: str) -> QuerySet[User] | None:
    people = User.objects.filter(is_active=True)
    own: dict[str, QuerySet[User]] = {
        Broadcast.Audience.EVERYONE: people,
        Broadcast.Audience.RECENT: people.filter(last_login__gt=timezone.now() - RECENTLY),
        Broadcast.Audience.STAFF: people.filter(is_staff=True),
    }
    return own.get(audience)


def notice_of(row: Broadcast, recipient: int) -> Notice:
    """Return what one person is told."""
    if row.notice:
        return Notice(recipient=recipient, **row.notice)
    written = {"text": {"en": row.text, "de": row.text_de}}
    where = ("broadcast", str(row.pk), row.url)
    return Notice(Kind.NOTICE, recipient, None, "", *where, cause=f"broadcasts/{row.pk}", details=written)


def spread(notice: Notice, audience: str, source_event: UUID) -> None:
    """Tell an audience of one thing, soon; the same event does so once."""
    fields: dict[str, Any] = asdict(replace(notice, kind=str(notice.kind)))
    del fields["recipient"]
    row = {"audience": audience, "notice": fields, "status": Status.SCHEDULED, "due_at": timezone.now()}
    Broadcast.objects.get_or_create(source_event=source_event, defaults=row)


def stop(undone: Undone) -> None:
    """Stop what is being told of something that is undone."""
    under_way = Broadcast.objects.filter(status__in=[Status.SCHEDULED, Status.SENDING])
    if undone.subject:
        type, id = undone.subject
        under_way.filter(notice__subject_type=type, notice__subject_id=id).update(status=Status.CANCELLED)
    if undone.within:
        under_way.filter(notice__within=undone.within).update(status=Status.CANCELLED)
