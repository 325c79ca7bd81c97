"""The inboxes' engine: what is told goes in, what was undone is taken back; any number at once, in few statements."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from notifications import changes, channels, grouping, policy, schedule
from notifications.grouping import Group
from notifications.kinds import Kind, Notice, Undone
from notifications.models import Channel, Decision, Happening, Inbox, Notification
from notifications.policy import Reason, Verdict
from notifications.schedule import Wish

Outcome = Decision.Outcome
STORM = "storm"
STORM_SECONDS = (10, 180)
# So much is taken back in one transaction when somebody is deleted.
CHUNK = 500


@transaction.atomic
def tell(asked: Sequence[tuple[Notice, UUID]]) -> list[Notification]:
    """Put notices into their recipients' inboxes and return the notifications they are in now.

    The same event counts once, nobody is told of themselves, and each notice leaves its decisions behind.
    """
    verdicts = policy.judge(asked)
    wanted = [each for each in verdicts if each.channels]
    inboxes = Inbox.turns({each.notice.recipient for each in wanted})
    fresh = _fresh(wanted)
    groups = _grouped(fresh)
    grouping.upsert(groups)
    rows = Notification.objects.in_bulk([group.id for group in groups])
    _note(verdicts, fresh, groups)
    changes.tell(inboxes, [("created" if each.is_new else "updated", rows[each.id]) for each in groups])
    return [rows[group.id] for group in groups]


def _fresh(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Leave out what was told already: the same event again, or, for what is told once, the same cause."""
    told = _told(verdicts)
    fresh = []
    for each in verdicts:
        notice = each.notice
        again: set[tuple] = {(notice.recipient, notice.kind, each.source_event)}
        if notice.is_once:
            again.add((notice.recipient, notice.kind, notice.cause))
        if not again & told:
            fresh.append(each)
        told |= again
    return fresh


def _told(verdicts: Sequence[Verdict]) -> set[tuple]:
    who = {each.notice.recipient for each in verdicts}
    rows = Happening.objects.filter(recipient__in=who)
    events = rows.filter(source_event__in={each.source_event for each in verdicts})
    told: set[tuple] = set(events.values_list("recipient", "kind", "source_event"))
    if causes := {each.notice.cause for each in verdicts if each.notice.is_once}:
        told |= set(rows.filter(cause__in=causes).values_list("recipient", "kind", "cause"))
    return told


# -- Groups, and the storm that makes one of many ---------------------------------------------------------------------


def _grouped(verdicts: Sequence[Verdict]) -> list[Group]:
    """Put together what joins the same group, in the order in which it came."""
    groups: dict[tuple[int, str], Group] = {}
    calm = _Calm(verdicts)
    for each in verdicts:
        notice, is_listed = each.notice, Channel.IN_APP in each.channels
        key = notice.group_key if is_listed else f"unlisted:{notice.group_key}"
        if not calm.allows(notice, key):
            key = STORM
        group = groups.setdefault((notice.recipient, key), Group(notice.recipient, key, notice, is_listed, {}))
        group.notice = notice
        group.shown = _storm(notice) if key == STORM else _shown(notice)
        group.parts.append((notice, each.source_event))
    return list(groups.values())


def _shown(notice: Notice) -> dict:
    names = ("kind", "subject_type", "subject_id", "subject_url", "within", "topic", "details")
    return {name: getattr(notice, name) for name in names}


def _storm(notice: Notice) -> dict:
    about = {"kind": Kind.NOTICE, "details": {"about": STORM}, "within": "", "topic": ""}
    return about | {"subject_type": "inbox", "subject_id": str(notice.recipient), "subject_url": "/notifications/"}


class _Calm:
    """Whether one more notification is bearable: above so many in so short a time they become one."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        self.limits = settings.TIDEWIRE_NOTIFICATIONS_STORM
        if self.limits:
            who = {each.notice.recipient for each in verdicts}
            self.lately = _made_lately(who)
            joined = Notification.objects.filter(recipient__in=who, is_open=True)
            keys = {each.notice.group_key for each in verdicts}
            self.joined = set(joined.filter(group_key__in=keys).values_list("recipient", "group_key"))

    def allows(self, notice: Notice, key: str) -> bool:
        """Say so, and count it; what joins an open group is no news, and what is critical always comes."""
        if not self.limits or notice.is_critical or (notice.recipient, key) in self.joined:
            return True
        counts = self.lately.setdefault(notice.recipient, [0] * len(STORM_SECONDS))
        if any(count >= limit for count, limit in zip(counts, self.limits, strict=True)):
            return False
        self.lately[notice.recipient] = [count + 1 for count in counts]
        self.joined.add((notice.recipient, key))
        return True


def _made_lately(users: Iterable[int]) -> dict[int, list[int]]:
    now = timezone.now()
    since = [now - timedelta(seconds=seconds) for seconds in STORM_SECONDS]
    rows = Notification.objects.filter(recipient__in=users, created_at__gt=since[-1]).exclude(group_key=STORM)
    soon, later = (Count("pk", filter=Q(created_at__gt=moment)) for moment in since)
    counted = rows.values("recipient").annotate(soon=soon, later=later)
    return {row["recipient"]: [row["soon"], row["later"]] for row in counted}


# -- Why ---------------------------------------------------------------------------------------------------------------


def _note(verdicts: Sequence[Verdict], fresh: Sequence[Verdict], groups: Sequence[Group]) -> None:
    """Keep what was decided, for each channel that refused and for the inbox."""
    # Of a channel that this server has not, nobody asks.
    known, told = {Channel.IN_APP, *channels.ways()}, {id(each) for each in fresh}
    rows = [
        _decision(each.notice, each.source_event, channel, Outcome.DROPPED, reason)
        for each in verdicts
        if id(each) in told or not each.channels
        for channel, reason in each.refusals.items()
        if channel in known
    ]
    for group in groups:
        for place, (notice, event) in enumerate(group.parts):
            outcome = Outcome.SENT if group.is_new and place == 0 else Outcome.GROUPED
            reason = Reason.STORM if group.key == STORM else Reason.NONE
            if group.is_listed:
                rows.append(_decision(notice, event, Channel.IN_APP, outcome, reason, group.id))
    Decision.objects.bulk_create(rows + schedule.plan(_wishes(fresh, groups)))


def _wishes(fresh: Sequence[Verdict], groups: Sequence[Group]) -> Iterable[Wish]:
    """Yield what goes out by other channels than the inbox."""
    ids = {(notice, event): group.id for group in groups for notice, event in group.parts}
    for each in fresh:
        for channel in sorted(each.channels - {Channel.IN_APP}):
            yield Wish(each.notice, each.source_event, ids[each.notice, each.source_event], channel)


def _decision(notice: Notice, event: UUID, channel: str, outcome: str, reason: str, id: int | None = None) -> Decision:
    return Decision(
        recipient_id=notice.recipient,
        notification_id=id,
        source_event=event,
        kind=notice.kind,
        channel=channel,
        outcome=outcome,
        reason=reason,
    )


# -- Taking back ------------------------------------------------------------------------------------------------------


def withdraw(undone: Undone) -> None:
    """Take back what was undone, from whoever was told of it and has not read it."""
    if undone.cause:
        _take_back(Happening.objects.filter(cause=undone.cause))
    if undone.subject:
        type, id = undone.subject
        _take_back(Happening.objects.filter(notification__subject_type=type, notification__subject_id=id))
    if undone.within:
        _take_back(Happening.objects.filter(notification__within=undone.within))
    if undone.between:
        one, other = undone.between
        _take_back(Happening.objects.filter(Q(recipient=one, actor=other) | Q(recipient=other, actor=one)))


def forget_person(user_id: int) -> None:
    """Take back what somebody did, who is deleted."""
    _take_back(Happening.objects.filter(actor=user_id).exclude(recipient=user_id))


def _take_back(happenings) -> None:
    after = 0
    rows = happenings.filter(notification__in=Notification.objects.withdrawable())
    while ids := list(rows.filter(pk__gt=after).order_by("pk").values_list("pk", "recipient")[:CHUNK]):
        after = ids[-1][0]
        with transaction.atomic():
            inboxes = Inbox.turns({recipient for _, recipient in ids})
            # Asked again: only who holds the inbox knows what is unread.
            _part(inboxes, list(rows.filter(pk__in=[pk for pk, _ in ids])))


def _part(inboxes: Mapping[int, Inbox], rows: Sequence[Happening]) -> None:
    changed = grouping.part(rows)
    empty = [each for each in changed if not each.event_count]
    for each in empty:
        each.archived_at, each.is_open = timezone.now(), False
    Notification.objects.bulk_update(empty, ["archived_at", "is_open"])
    Decision.objects.bulk_create(_withdrawn(row) for row in rows)
    changes.tell(inboxes, [("updated" if each.event_count else "withdrawn", each) for each in changed])


def _withdrawn(row: Happening) -> Decision:
    return Decision(
        recipient_id=row.recipient_id,
        notification_id=row.notification_id,
        source_event=row.source_event,
        kind=row.kind,
        channel=Channel.IN_APP,
        outcome=Outcome.DROPPED,
        reason=Reason.WITHDRAWN,
    )
