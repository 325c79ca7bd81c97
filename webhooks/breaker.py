"""The breaker of an endpoint: after some failures in a row nothing is sent to it for a while, then one try at a time.

What is due for it waits meanwhile: nothing is dropped, and no try is used up. The state is in the endpoint's row.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from webhooks import schedule, signals
from webhooks.models import Delivery, Endpoint
from webhooks.verdict import Verdict

# It rests for a part of the time it has failed for: short at first, and never long.
REST_SHARE = 1 / 4
REST_SECONDS = (5.0, 300.0)
# The owner is told when the endpoint has failed for this part of the time after which it is switched off.
TOLD_SHARE = 1 / 2
# The first rows that waited end together with what switched it off; a sender ends the others by and by.
CANCELLED_AT_ONCE = 500

STATE = ("failing_since", "failures_in_row", "failing_told_at", "postponed_until")


def concerns(endpoint: Endpoint, verdict: Verdict) -> bool:
    """Say whether a verdict can change the state of an endpoint, as that was lately."""
    failed = verdict.status != Delivery.Status.SUCCEEDED
    return failed or bool(verdict.disables) or endpoint.failing_since is not None or endpoint.failures_in_row > 0


def feel(endpoint: Endpoint, verdicts: Sequence[Verdict], now: datetime) -> None:
    """Change a locked endpoint by what became of some tries, in their order, and save it."""
    before = {name: getattr(endpoint, name) for name in STATE}
    for verdict in verdicts:
        _count(endpoint, verdict, now)
    _rest(endpoint, verdicts, now)
    reason = next((verdict.disables for verdict in verdicts if verdict.disables), "") or _worn_out(endpoint, now)
    if reason and endpoint.enabled:
        return disable(endpoint, reason)
    if _is_to_be_told(endpoint, now):
        endpoint.failing_told_at = now
        signals.endpoint_failing.send(Endpoint, endpoint=endpoint)
    # No other column is written: whoever listens to endpoints being switched on or off would hear of each failure.
    endpoint.save(update_fields=[name for name in STATE if getattr(endpoint, name) != before[name]])


def disable(endpoint: Endpoint, reason: str) -> None:
    """Switch a locked endpoint off for a reason, tell its owner, and end what waits for it."""
    endpoint.enabled, endpoint.disabled_reason = False, reason[:200]
    endpoint.save(update_fields=["enabled", "disabled_reason", *STATE])
    signals.endpoint_disabled.send(Endpoint, endpoint=endpoint)
    end_waiting(endpoint.pk, reason, CANCELLED_AT_ONCE)


def end_waiting(endpoint_id: int, reason: str, limit: int) -> int:
    """End some of the deliveries that wait for an endpoint that was switched off; return how many."""
    waiting = Delivery.objects.filter(endpoint_id=endpoint_id, status=Delivery.Status.PENDING)
    some = waiting.order_by("pk").select_for_update(skip_locked=True).values("pk")[:limit]
    return Delivery.objects.filter(pk__in=list(some.values_list("pk", flat=True))).cancel(
        f"The endpoint was switched off: {reason}"
    )


def end_some_in_vain(limit: int) -> int:
    """End some of what waits for endpoints that were switched off before; return how many."""
    waiting = Delivery.objects.filter(endpoint=OuterRef("pk"), status=Delivery.Status.PENDING)
    off = Endpoint.objects.exclude(disabled_reason="").filter(Exists(waiting)).values_list("pk", "disabled_reason")
    with transaction.atomic():
        return sum(end_waiting(pk, reason, limit) for pk, reason in off[:1])


def _count(endpoint: Endpoint, verdict: Verdict, now: datetime) -> None:
    if verdict.status == Delivery.Status.SUCCEEDED:
        endpoint.failures_in_row, endpoint.failing_since = 0, None
        endpoint.failing_told_at = endpoint.postponed_until = None
    else:
        endpoint.failures_in_row += 1
        endpoint.failing_since = endpoint.failing_since or now


def _rest(endpoint: Endpoint, verdicts: Sequence[Verdict], now: datetime) -> None:
    """Postpone an endpoint that is slow by its own word, or whose breaker is open."""
    seconds = max((verdict.slow_seconds or 0.0 for verdict in verdicts), default=0.0)
    if endpoint.failures_in_row >= settings.TIDEWIRE_WEBHOOKS_BREAKER_FAILURES:
        seconds = max(seconds, rest_seconds(endpoint, now))
    if seconds:
        moment = now + timedelta(seconds=seconds)
        endpoint.postponed_until = max(endpoint.postponed_until or moment, moment)


def rest_seconds(endpoint: Endpoint, now: datetime) -> float:
    """Return for how long an endpoint rests that has failed since some moment."""
    shortest, longest = REST_SECONDS
    failed = (now - (endpoint.failing_since or now)).total_seconds()
    return schedule.jittered(min(max(shortest, REST_SHARE * failed), longest))


def _worn_out(endpoint: Endpoint, now: datetime) -> str:
    hours = settings.TIDEWIRE_WEBHOOKS_DISABLE_AFTER_HOURS
    if _has_failed(endpoint, now, 1):
        return f"Every try for {hours} hours has failed, {endpoint.failures_in_row} in all."
    return ""


def _is_to_be_told(endpoint: Endpoint, now: datetime) -> bool:
    return endpoint.failing_told_at is None and _has_failed(endpoint, now, TOLD_SHARE)


def _has_failed(endpoint: Endpoint, now: datetime, share: float) -> bool:
    """Say whether only failures came for this part of the time, and of the number, that switch an endpoint off."""
    hours = share * settings.TIDEWIRE_WEBHOOKS_DISABLE_AFTER_HOURS
    enough = endpoint.failures_in_row >= share * settings.TIDEWIRE_WEBHOOKS_DISABLE_AFTER_ATTEMPTS
    since = endpoint.failing_since
    return enough and since is not None and now - since >= timedelta(hours=hours)
