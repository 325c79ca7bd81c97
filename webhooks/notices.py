"""What owners and operators see at once: live-only notices of what became of deliveries."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from events import notices
from webhooks.models import Attempt
from webhooks.payloads import attempt_summary, delivery_payload

# A notice names so many of the newest attempts, and counts all.
NAMED = 20


def tell(attempts: Sequence[Attempt]) -> None:
    """Tell those who look now of attempts that were written down; `delivery` is loaded with each. Never raises.

    They are looked at only if somebody reads, a moment later and in another thread.
    """
    if attempts:
        notices.tell(digest, attempts)


def digest(attempts: Sequence[Attempt]) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Yield what is told to each endpoint's owner, and to operators."""
    by_endpoint: defaultdict[int, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_endpoint[attempt.delivery.endpoint_id].append(attempt)
    for endpoint, tried in by_endpoint.items():
        yield f"webhooks.{endpoint}", partial(_news, tried)
    yield "operations", partial(_summary, by_endpoint)


def _news(tried: Sequence[Attempt]) -> dict[str, Any]:
    """Return the newest attempts in their order, their deliveries as they are now, and the counts of all."""
    newest = tried[-NAMED:]
    deliveries = {attempt.delivery_id: attempt.delivery for attempt in newest}
    return {
        "deliveries": [delivery_payload(delivery) for delivery in deliveries.values()],
        "attempts": [attempt_summary(attempt) for attempt in newest],
        "counts": _counts(tried),
    }


def _summary(by_endpoint: dict[int, list[Attempt]]) -> dict[str, Any]:
    # Ids are texts, as the keys of JSON are.
    return {"webhooks": {str(endpoint): _counts(tried) for endpoint, tried in by_endpoint.items()}}


def _counts(attempts: Iterable[Attempt]) -> dict[str, int]:
    """Count attempts that succeeded and that failed."""
    return dict(
        Counter("succeeded" if 200 <= (each.status_code or 0) < 300 else "failed" for each in attempts),
    )
