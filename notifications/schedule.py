"""When a message goes: after a short delay, then at most once in a digest's window, and never in quiet hours."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone

from access.models import User
from events import wake
from notifications import channels
from notifications.kinds import Notice
from notifications.models import Decision, Dispatch, Habit, Pending

SEND = "notifications.tasks.send_due"
# So much is told by one message at most.
GATHERED = 1000
Outcome, Reason = Decision.Outcome, Decision.Reason

# Who waits already keeps the time; who was told lately waits for the end of the window.
PLAN = """
    INSERT INTO notifications_dispatch AS old (recipient_id, channel, due_at, attempts, number, error)
    SELECT new.recipient, new.channel, %(now)s::timestamptz + new.delay * interval '1 second', 0, 0, ''
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS new(recipient bigint, channel text, delay float, gather float)
    ON CONFLICT (recipient_id, channel) DO UPDATE SET due_at = coalesce(old.due_at, greatest(
        excluded.due_at, old.last_sent_at + (SELECT gather * interval '1 second'
            FROM jsonb_to_recordset(%(rows)s::jsonb) AS new(recipient bigint, channel text, gather float)
            WHERE new.recipient = old.recipient_id AND new.channel = old.channel)))
    RETURNING id, recipient_id, channel, due_at
"""

WAIT = """
    INSERT INTO notifications_pending (dispatch_id, notification_id, source_event, added_at)
    SELECT new.*, %(now)s FROM jsonb_to_recordset(%(rows)s::jsonb) AS new(
        dispatch bigint, notification bigint, source_event uuid)
    ON CONFLICT (dispatch_id, notification_id) DO UPDATE SET
        source_event = excluded.source_event, added_at = excluded.added_at
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """A notice that is wanted by a channel, and the notification it is in."""

    notice: Notice
    source_event: UUID
    notification: int
    channel: str


def plan(wishes: Iterable[Wish]) -> list[Decision]:
    """Let notifications wait for the next message of their channels; return what was decided for each."""
    ways = channels.ways()
    wanted = [wish for wish in wishes if wish.channel in ways]
    reachable = {name: way.reachable(_users(wanted, name)) for name, way in ways.items() if _users(wanted, name)}
    reached = [wish for wish in wanted if wish.notice.recipient in reachable[wish.channel]]
    due = _plan(reached, ways)
    _wait(reached, due)
    return [_decided(wish, ways, due) for wish in wanted]


def _users(wishes: Sequence[Wish], channel: str) -> set[int]:
    return {wish.notice.recipient for wish in wishes if wish.channel == channel}


def _plan(wishes: Sequence[Wish], ways) -> dict[tuple[int, str], tuple[int, datetime]]:
    who = sorted({(wish.notice.recipient, wish.channel) for wish in wishes})
    habits = Habit.objects.in_bulk({user for user, _ in who}) if who else {}
    rows = [
        {
            "recipient": user,
            "channel": channel,
            "delay": ways[channel].delay().total_seconds(),
            "gather": habits.get(user, Habit()).digest_minutes(channel) * 60,
        }
        for user, channel in who
    ]
    if not rows:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(PLAN, {"now": timezone.now(), "rows": json.dumps(rows)})
        planned = {(user, channel): (id, due_at) for id, user, channel, due_at in cursor.fetchall()}
    for channel in {channel for _, channel in planned}:
        _wake_at(min(due_at for (_, each), (_, due_at) in planned.items() if each == channel), channel)
    return planned


def _wait(wishes: Sequence[Wish], due: dict[tuple[int, str], tuple[int, datetime]]) -> None:
    rows = {}
    for wish in wishes:
        id, _ = due[wish.notice.recipient, wish.channel]
        waiting = {"dispatch": id, "notification": wish.notification, "source_event": str(wish.source_event)}
        rows[id, wish.notification] = waiting
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(WAIT, {"now": timezone.now(), "rows": json.dumps(list(rows.values()))})


def _decided(wish: Wish, ways, due) -> Decision:
    planned = due.get((wish.notice.recipient, wish.channel))
    outcome, reason, detail = Outcome.DROPPED, Reason.NO_ADDRESS, ""
    if planned is not None:
        soon = timezone.now() + ways[wish.channel].delay()
        outcome, reason = Outcome.HELD, Reason.DIGEST if planned[1] > soon else Reason.DELAY
        detail = f"until {planned[1]:%Y-%m-%d %H:%M:%S} UTC"
    return Decision(
        recipient_id=wish.notice.recipient,
        notification_id=wish.notification,
        source_event=wish.source_event,
        kind=wish.notice.kind,
        channel=wish.channel,
        outcome=outcome,
        reason=reason,
        detail=detail,
    )


def _wake_at(moment: datetime, channel: str) -> None:
    seconds = max(0.0, (moment - timezone.now()).total_seconds())
    if seconds < 60:
        transaction.on_commit(lambda: wake.task(SEND, seconds, (channel,)), robust=True)


def wake_senders() -> None:
    """Wake a sender for each channel by which something is due: one that is slow keeps no other waiting."""
    due = Dispatch.objects.filter(due_at__lte=timezone.now(), channel__in=channels.ways())
    for channel in due.order_by().values_list("channel", flat=True).distinct():
        wake.task(SEND, args=(channel,))


def quiet_until(user: User, habit: Habit, now: datetime) -> datetime | None:
    """Return when the user's quiet hours end, if they are now by the user's own clock."""
    if habit.quiet_from is None or habit.quiet_to is None:
        return None
    local = now.astimezone(ZoneInfo(user.time_zone))
    begin, end, clock = habit.quiet_from, habit.quiet_to, local.time()
    is_quiet = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not is_quiet:
        return None
    day = local.date() if clock < end else local.date() + timedelta(days=1)
    return _moment(datetime.combine(day, end, local.tzinfo), now)


def _moment(wall: datetime, now: datetime) -> datetime:
    # When clocks go back the hour is there twice; the first may have passed.
    first = wall.astimezone(now.tzinfo)
    return first if first > now else wall.replace(fold=1).astimezone(now.tzinfo)


def pending_of(dispatch: Dispatch) -> list[Pending]:
    """Return what waits for a message, oldest first; of very much the rest waits for the next one."""
    waiting = Pending.objects.filter(dispatch=dispatch).select_related("notification")
    return list(waiting.order_by("notification")[:GATHERED])
