"""Who is to be told of what, by which channels, and if not, why: asked in few questions for many at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from access.models import Block, Mute, User
from events import catalogue
from notifications.kinds import Kind, Notice
from notifications.models import Channel, Decision, Notification, Preference, ThreadMute

Reason = Decision.Reason

# What comes by which channel unless its recipient says otherwise; a notice always comes.
QUIET_BY_MAIL = {Kind.LIKE, Kind.FOLLOW, Kind.STATUS}
DEFAULTS: dict[tuple[str, str], bool] = {
    (kind, channel): channel == Channel.IN_APP or kind not in QUIET_BY_MAIL for kind in Kind for channel in Channel
}

Asked = tuple[Notice, UUID]
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """By which channels a notice goes, and why not by the others."""

    notice: Notice
    source_event: UUID
    channels: frozenset[str]
    refusals: dict[str, str]


def judge(asked: Sequence[Asked]) -> list[Verdict]:
    """Decide for each notice; whoever is gone, or did it themselves, is not even asked about."""
    users = User.objects.in_bulk({id for notice, _ in asked for id in (notice.recipient, notice.actor) if id})
    known = [each for each in asked if each[0].recipient in users and (each[0].actor or each[0].recipient) in users]
    notices = [notice for notice, _ in known]
    refused = _refusals(notices, users)
    wishes = preferences({notice.recipient for notice in notices})
    return [_verdict(notice, event, refused.get(place, ""), wishes) for place, (notice, event) in enumerate(known)]


def _verdict(notice: Notice, event: UUID, refusal: str, wishes: dict[tuple[int, str, str], bool]) -> Verdict:
    if refusal:
        return Verdict(notice, event, frozenset(), {Channel.IN_APP: refusal})
    wanted = {
        channel
        for channel in Channel.values
        if notice.is_critical or wishes.get((notice.recipient, notice.kind, channel), DEFAULTS[notice.kind, channel])
    }
    refusals: dict[str, str] = {channel: Reason.PREFERENCE for channel in Channel.values if channel not in wanted}
    return Verdict(notice, event, frozenset(wanted), refusals)


def _refusals(notices: Sequence[Notice], users: dict[int, User]) -> dict[int, str]:
    """Return by the place of a notice why it goes by no channel at all."""
    silenced, muted = _silenced(notices), muted_threads(notices)
    unreadable = _unreadable(notices, users)
    found: dict[int, str] = {}
    for place, notice in enumerate(notices):
        if notice.is_own_doing:
            found[place] = Reason.OWN_DOING
        elif (notice.recipient, notice.actor) in silenced:
            found[place] = Reason.BLOCKED
        elif (notice.recipient, notice.topic) in unreadable:
            found[place] = Reason.UNREADABLE
        elif not notice.is_critical and (notice.recipient, notice.subject_type, notice.subject_id) in muted:
            found[place] = Reason.MUTED
    return found


def _silenced(notices: Iterable[Any]) -> set[Pair]:
    """Return who does not hear of whom: a block counts either way, a mute one way."""
    pairs = {(each.recipient, each.actor) for each in notices if each.actor and each.actor != each.recipient}
    return silenced_pairs(pairs)


def silenced_pairs(pairs: Collection[Pair]) -> set[Pair]:
    """Return those (hearer, actor) between whom stands a block, or a mute of the hearer's."""
    if not pairs:
        return set()
    ones, others = {one for one, _ in pairs}, {other for _, other in pairs}
    blocks = Block.objects.filter(Q(blocker__in=ones, blocked__in=others) | Q(blocker__in=others, blocked__in=ones))
    found = {pair for one, other in blocks.values_list("blocker", "blocked") for pair in ((one, other), (other, one))}
    mutes = Mute.objects.active().filter(muter__in=ones, muted__in=others)
    return (found | set(mutes.values_list("muter", "muted"))) & set(pairs)


def _unreadable(notices: Iterable[Notice], users: dict[int, User]) -> set[tuple[int, str]]:
    topics: dict[int, set[str]] = defaultdict(set)
    for each in notices:
        if each.topic and not each.is_own_doing:
            topics[each.recipient].add(each.topic)
    return {
        (id, topic) for id, asked in topics.items() for topic in asked - catalogue.readable(users[id], sorted(asked))
    }


def muted_threads(rows: Iterable[Any]) -> set[tuple[int, str, str]]:
    """Return which of the recipients mute which of the subjects."""
    subjects = {(_recipient(each), each.subject_type, each.subject_id) for each in rows}
    mutes = ThreadMute.objects.filter(
        user__in={who for who, _, _ in subjects}, subject_id__in={s for _, _, s in subjects}
    )
    return set(mutes.values_list("user", "subject_type", "subject_id")) & subjects


def _recipient(row: Any) -> int:
    return row.recipient_id if hasattr(row, "recipient_id") else row.recipient


def preferences(users: Collection[int]) -> dict[tuple[int, str, str], bool]:
    """Return what these users have said about kinds and channels."""
    rows = Preference.objects.filter(user__in=users).values_list("user", "kind", "channel", "is_on")
    return {(user, kind, channel): is_on for user, kind, channel, is_on in rows}


# -- Once more, when a message is about to go -------------------------------------------------------------------------


def recheck(rows: Sequence[Notification], channel: str) -> dict[int, str]:
    """Return why notifications of one recipient are not to be sent any more, whoever is connected meanwhile."""
    if not rows:
        return {}
    user = User.objects.get(pk=rows[0].recipient_id)
    wishes, muted = preferences([user.pk]), muted_threads(rows)
    silenced = silenced_pairs({(user.pk, each["id"]) for row in rows for each in row.people})
    readable = catalogue.readable(user, {row.topic for row in rows if row.topic})
    found = {}
    for row in rows:
        wanted = wishes.get((user.pk, row.kind, channel), DEFAULTS[row.kind, channel])
        reason = _dealt_with(row)
        if not reason and row.topic and row.topic not in readable:
            reason = Reason.UNREADABLE
        elif not reason and row.people and all((user.pk, each["id"]) in silenced for each in row.people):
            reason = Reason.BLOCKED
        elif not reason and row.kind != Kind.NOTICE:
            is_muted = (user.pk, row.subject_type, row.subject_id) in muted
            reason = Reason.MUTED if is_muted else "" if wanted else Reason.PREFERENCE
        if reason:
            found[row.pk] = reason
    return found


def _dealt_with(row: Notification) -> str:
    if not row.event_count:
        return Reason.WITHDRAWN
    if row.read_at or row.seen_at or row.archived_at:
        return Reason.READ
    return Reason.SNOOZED if row.snoozed_until else ""
