"""The sender: claims what is due, looks once more whether it is still wanted, sends it, and records how it went.

A claim is a lease in the row: a sender that dies loses nothing. A message may come twice then, never not at all.
"""

import logging
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from access.models import User
from notifications import channels, policy, schedule
from notifications.channels import Failed, NoAddress, Way
from notifications.kinds import Kind
from notifications.models import Channel, Decision, Dispatch, Habit, Pending

logger = logging.getLogger(__name__)

Outcome, Reason = Decision.Outcome, Decision.Reason
LEASE = timedelta(seconds=90)
# Seconds after each failed try; then what waited is dropped, with the reason.
DELAYS = (30, 120, 600, 1800, 7200, 21_600, 43_200)
# A run ends after so long, that a worker can be stopped; the next one goes on.
RUN_SECONDS = 60.0
# So many at once by each channel: one that hangs takes neither the other's place nor all the workers.
SLOTS = 1
LOCK_KEY = 0x6E6F7469


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message to send by this claim, with what was waiting when it was claimed."""

    row: Dispatch
    way: Way
    user: User
    at: datetime
    pending: list[Pending]


def run(channel: str) -> int:
    """Send everything that is due by a channel, unless enough others do; return how many messages were tried."""
    count, ends = 0, time.monotonic() + RUN_SECONDS
    with _slot(channel) as is_mine:
        while is_mine and time.monotonic() < ends and (claimed := claim(channel)) is not None:
            _deal_with(claimed)
            count += 1
    return count


@contextmanager
def _slot(channel: str) -> Iterator[bool]:
    """Hold one of the places for senders by a channel, if one is free."""
    places = (SLOTS * Channel.values.index(channel) + number for number in range(SLOTS))
    slot = next((each for each in places if _ask("SELECT pg_try_advisory_lock(%s, %s)", each)), None)
    try:
        yield slot is not None
    finally:
        if slot is not None:
            _ask("SELECT pg_advisory_unlock(%s, %s)", slot)


def _ask(question: str, slot: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(question, [LOCK_KEY, slot])
        return cursor.fetchone()[0]


@transaction.atomic
def claim(channel: str) -> Claimed | None:
    """Take the right to one message that is due by a channel; the try is counted, so one that kills its sender ends."""
    now, way = timezone.now(), channels.ways().get(channel)
    due = Dispatch.objects.filter(Q(lease_until=None) | Q(lease_until__lte=now), due_at__lte=now, channel=channel)
    row = due.select_for_update(skip_locked=True, of=("self",)).select_related("recipient").order_by("due_at").first()
    if row is None or way is None:
        return None
    row.lease_until, row.claim, row.attempts = now + LEASE, uuid.uuid4(), row.attempts + 1
    row.save(update_fields=["lease_until", "claim", "attempts"])
    return Claimed(row, way, row.recipient, now, schedule.pending_of(row))


def _deal_with(claimed: Claimed) -> None:
    """Send what is still wanted now, if anything is."""
    refused = policy.recheck([each.notification for each in claimed.pending], claimed.row.channel)
    wanted = [each for each in claimed.pending if each.notification_id not in refused]
    _drop([each for each in claimed.pending if each.notification_id in refused], claimed, refused)
    quiet = schedule.quiet_until(claimed.user, _habit(claimed), claimed.at)
    now = [each for each in wanted if not quiet or each.notification.kind == Kind.NOTICE]
    if quiet and len(now) < len(wanted):
        held = [each for each in wanted if each not in now]
        _note(held, claimed, Outcome.HELD, Reason.QUIET_HOURS, f"until {quiet:%Y-%m-%d %H:%M:%S} UTC")
    if now:
        _send(claimed, now, after=quiet)
    else:
        _settle(claimed, due_at=quiet if wanted else None, attempts=0)


def _habit(claimed: Claimed) -> Habit:
    return Habit.objects.filter(pk=claimed.user.pk).first() or Habit()


def _send(claimed: Claimed, pending: Sequence[Pending], after: datetime | None) -> None:
    try:
        if claimed.row.attempts > len(DELAYS) + 1:
            return _give_up(claimed, pending, "Each sender that tried has died.")
        claimed.way.send(claimed.user, [each.notification for each in pending], claimed.row.number)
    except NoAddress:
        _drop(pending, claimed, dict.fromkeys((each.notification_id for each in pending), Reason.NO_ADDRESS))
        _settle(claimed, due_at=None, attempts=0)
    except Failed as error:
        _failed(claimed, pending, str(error))
    except Exception as error:
        # One message that cannot be made must not stop all the others.
        logger.exception("The message of %s could not be sent.", claimed.row)
        _failed(claimed, pending, type(error).__name__)
    else:
        _sent(claimed, pending, after)


@transaction.atomic
def _sent(claimed: Claimed, pending: Sequence[Pending], after: datetime | None) -> None:
    gather = timedelta(minutes=_habit(claimed).digest_minutes(claimed.row.channel))
    later = after or timezone.now() + max(gather, claimed.way.delay())
    settled = {"last_sent_at": timezone.now(), "number": F("number") + 1, "attempts": 0, "error": ""}
    if _settle(claimed, due_at=later, sent=pending, **settled):
        _note(pending, claimed, Outcome.SENT, Reason.NONE)


def _failed(claimed: Claimed, pending: Sequence[Pending], error: str) -> None:
    logger.warning("%s was not sent: %s", claimed.row, error)
    tries = claimed.row.attempts
    if tries > len(DELAYS):
        return _give_up(claimed, pending, error)
    _settle(claimed, due_at=timezone.now() + timedelta(seconds=DELAYS[tries - 1]), error=error[:200])


def _give_up(claimed: Claimed, pending: Sequence[Pending], error: str) -> None:
    _drop(pending, claimed, dict.fromkeys((each.notification_id for each in pending), Reason.CHANNEL_ERROR), error)
    _settle(claimed, due_at=None, attempts=0, error=error[:200])


@transaction.atomic
def _settle(claimed: Claimed, *, due_at: datetime | None, sent: Iterable[Pending] = (), **fields) -> bool:
    """Give the claim back, if it is still ours, with the time of the next message; without one, if none waits."""
    row = Dispatch.objects.select_for_update().filter(pk=claimed.row.pk, claim=claimed.row.claim).first()
    if row is None:
        return False
    _forget(sent, claimed)
    left = Pending.objects.filter(dispatch=row).exists()
    due_at = (due_at or timezone.now() + claimed.way.delay()) if left else None
    Dispatch.objects.filter(pk=row.pk).update(due_at=due_at, lease_until=None, claim=None, **fields)
    return True


def _forget(pending: Iterable[Pending], claimed: Claimed) -> None:
    # What has grown since the claim waits on: the message did not tell of it.
    Pending.objects.filter(pk__in=[each.pk for each in pending], added_at__lte=claimed.at).delete()


@transaction.atomic
def _drop(pending: Sequence[Pending], claimed: Claimed, reasons: dict[int, str], detail: str = "") -> None:
    for each in pending:
        _note([each], claimed, Outcome.DROPPED, reasons[each.notification_id], detail)
    _forget(pending, claimed)


def _note(pending: Iterable[Pending], claimed: Claimed, outcome: str, reason: str, detail: str = "") -> None:
    Decision.objects.bulk_create(
        Decision(
            recipient_id=claimed.row.recipient_id,
            notification_id=each.notification_id,
            source_event=each.source_event,
            kind=each.notification.kind,
            channel=claimed.row.channel,
            outcome=outcome,
            reason=reason,
            detail=detail[:200],
        )
        for each in pending
    )
