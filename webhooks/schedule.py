"""When a failed delivery is tried again: data, and a jitter that spreads those who failed together."""

import random

from events import wake

# Seconds after each failed try: ten tries over about 75 hours.
DELAYS = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
# Subscribers are promised ±20 %; this leaves room for the wake-up.
JITTER = 0.15


SEND = "webhooks.tasks.send_due_deliveries"
REPLAY = "webhooks.tasks.run_replays"


def wake_sender(delay_seconds: float = 0) -> None:
    """Wake the sender, now or in some seconds: something is due then."""
    wake.task(SEND, delay_seconds)


def wake_replays() -> None:
    """Wake who goes on with replays."""
    wake.task(REPLAY)


def delay_after(tries: int) -> float | None:
    """Return how many seconds to wait after so many failed tries, or None when there were enough."""
    if tries > len(DELAYS):
        return None
    return DELAYS[tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)
