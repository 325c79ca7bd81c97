"""What is reported, and what moderators do about it; each atomic, called alike by the API and the admin."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from feeds.models import Comment, Entry, Report


@transaction.atomic
def report(kind: str, thing, *, by, reason: str, text: str = "") -> tuple[Report, bool]:
    """Report an entry, a comment, a feed or a user; say whether it is new: one is open at a time for each object."""
    by.check_may_write()
    if by.pk in _owners(kind, thing):
        raise ValidationError("What is your own you can change or delete yourself.", code="own")
    mine = Report.objects.open().filter(reporter=by)
    if (found := mine.filter(**{kind: thing}).first()) is not None:
        return found, False
    if mine.count() >= settings.TIDEWIRE_USER_MAX_OPEN_REPORTS:
        raise ValidationError("Wait until some of your reports are decided.", code="too_many")
    # Two requests at once make one.
    new = {"reason": reason, "text": text}
    return Report.objects.get_or_create(reporter=by, state=Report.State.OPEN, **{kind: thing}, defaults=new)


def _owners(kind: str, thing) -> set[int]:
    return {thing.pk} if kind == "user" else {thing.owner_id} if kind == "feed" else {thing.author_id}


@transaction.atomic
def decide(report: Report, state: str, *, by, note: str = "") -> bool:
    """Uphold or reject a report; say whether it was open until now."""
    return report.close(state, by=by, note=note)


@transaction.atomic
def hide(row: Entry | Comment, *, by, reason: str) -> bool:
    """Hide an entry or comment everywhere; who reported it is told that the report was right."""
    if not row.hide(by=by, reason=reason):
        return False
    kind = row._meta.model_name
    for each in Report.objects.open().filter(**{kind: row}).select_for_update(of=("self",)).order_by("pk"):
        each.close(Report.State.UPHELD, by=by)
    return True


def restore(row: Entry | Comment) -> bool:
    """Show what was hidden again; say whether it was hidden until now."""
    return row.restore()
