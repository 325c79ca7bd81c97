"""What an answer means: for its delivery, and for the endpoint that gave it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from webhooks import schedule
from webhooks.models import Delivery
from webhooks.transport import Response

Status = Delivery.Status

GONE = 410
# The receiver has too much to do, or a server before it: everything for it waits, not this message alone.
SLOW = frozenset({429, 502, 503, 504})
# What a receiver may say with its answer.
CONTROL, DISABLE, ABORT = "webhook-delivery", "disable", "abort-message"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a delivery after a try, and what its endpoint is to feel of it."""

    status: str
    reason: str = ""
    # When the next try is due, in so many seconds; None: there is none.
    delay_seconds: float | None = None
    # The endpoint is left in peace for so long.
    slow_seconds: float | None = None
    # Why the endpoint is switched off.
    disables: str = ""


def of(response: Response, tries: int, now: datetime) -> Verdict:
    """Judge the answer to a delivery's try of this number."""
    asked = _control(response.headers)
    disables = _disables(response.status_code, asked)
    if response.status_code is not None and 200 <= response.status_code < 300:
        return Verdict(Status.SUCCEEDED, disables=disables)
    why = _why(response)
    if disables:
        return Verdict(Status.FAILED, disables, disables=disables)
    if asked == ABORT:
        return Verdict(Status.FAILED, f"{why} The receiver asked for no other try (webhook-delivery: abort-message).")
    return _again(response, tries, why, now)


def _again(response: Response, tries: int, why: str, now: datetime) -> Verdict:
    """Judge a failure after which there is another try, unless it was the last."""
    wanted = retry_after(response.headers, now)
    slow = _slow_seconds(wanted) if response.status_code in SLOW else None
    delay = schedule.delay_after(tries)
    if delay is None:
        return Verdict(Status.EXHAUSTED, f"{why} It was the last of {tries} tries.", slow_seconds=slow)
    return Verdict(Status.PENDING, why, schedule.put_off(delay, wanted), slow)


def _slow_seconds(wanted: float | None) -> float:
    shortest = schedule.DELAYS[0]
    return schedule.put_off(shortest, wanted)


def _control(headers: Mapping[str, str]) -> str:
    return headers.get(CONTROL, "").strip().lower()


def _disables(status_code: int | None, asked: str) -> str:
    if status_code == GONE:
        return "The receiver answered 410 Gone."
    return "The receiver asked for it (webhook-delivery: disable)." if asked == DISABLE else ""


def _why(response: Response) -> str:
    if response.status_code is None:
        return response.error
    if 300 <= response.status_code < 400:
        return f"The receiver answered {response.status_code}; redirects are not followed."
    return f"The receiver answered {response.status_code}."


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that the answer's Retry-After asks for; what cannot be read asks for nothing."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds())
