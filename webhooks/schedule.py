"""When a failed delivery is tried again: data, and a jitter that spreads those who failed together."""

import random
from collections.abc import Callable

from events import wake

# Seconds after each failed try: ten tries over about 75 hours.
DELAYS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
# Subscribers are promised ±20 %; this leaves room for the wake-up.
JITTER = 0.15
# An answer's Retry-After may put a try off to twice its delay, or to an hour: a receiver cannot stall its own for days.
RETRY_AFTER_FACTOR, RETRY_AFTER_SECONDS = 2, 3600

SEND = "webhooks.tasks.send_due_deliveries"
REPLAY = "webhooks.tasks.run_replays"
# The resident sender: see `webhooks.deliverer`.
RESIDENT = "deliver"

wake.leave_to(RESIDENT, SEND)
wake.follow_with(RESIDENT, "webhooks")

_at_hand: Callable[[], None] | None = None


def wake_sender(delay_seconds: float = 0) -> None:
    """Wake the sender, now or in some seconds: something is due then."""
    if _at_hand and not delay_seconds:
        return _at_hand()
    wake.task(SEND, delay_seconds)


def wake_replays() -> None:
    """Wake who goes on with replays."""
    wake.task(REPLAY)


def at_hand(called: Callable[[], None] | None) -> None:
    """Say that the sender is in this process, and how it is called; None: no longer."""
    global _at_hand
    _at_hand = called


def delay_after(tries: int) -> float | None:
    """Return how many seconds to wait after so many failed tries, or None when there were enough."""
    if tries > len(DELAYS):
        return None
    return jittered(DELAYS[tries - 1])


def jittered(seconds: float) -> float:
    """Return about as many seconds."""
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)


def put_off(delay: float, retry_after: float | None) -> float:
    """Return the delay that an answer's Retry-After asks for, within its bounds."""
    if retry_after is None:
        return delay
    return min(max(delay, retry_after), max(RETRY_AFTER_FACTOR * delay, RETRY_AFTER_SECONDS))
