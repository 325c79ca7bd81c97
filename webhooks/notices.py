"""What owners and operators see at once: live-only notices of what became of deliveries."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Self

from events import notices
from webhooks.models import Attempt
from webhooks.payloads import attempt_summary, delivery_payload

logger = logging.getLogger(__name__)

# A notice names so many of the newest tries, and counts the others.
NAMED = 20


class EndpointNews:
    """The tries for one endpoint since it was told of last: how many went how, and the newest."""

    def __init__(self, attempts: Iterable[Attempt]) -> None:
        tried = list(attempts)
        self._counts = counts_of(tried)
        # Taken now: what they hold besides may be long, and waits for nobody.
        self._attempts = [attempt_summary(each) for each in tried[-NAMED:]]
        self._deliveries = {each.delivery_id: delivery_payload(each.delivery) for each in tried[-NAMED:]}

    def add(self, later: Self) -> None:
        """Take in what came later, and forget what is not among the newest any more."""
        self._counts.update(later._counts)
        self._attempts = (self._attempts + later._attempts)[-NAMED:]
        both = self._deliveries | later._deliveries
        self._deliveries = {each["delivery"]: both[each["delivery"]] for each in self._attempts}

    def data(self) -> dict[str, Any]:
        """Return deliveries as they are now, the newest tries in their order, and the counts of all."""
        return {
            "deliveries": list(self._deliveries.values()),
            "attempts": self._attempts,
            "counts": dict(self._counts),
        }


class Summary:
    """How tries went for each endpoint since operators were told last."""

    def __init__(self, counts: dict[int, Counter[str]]) -> None:
        self._counts = defaultdict(Counter, counts)

    def add(self, later: Self) -> None:
        """Count what came later too."""
        for endpoint, counts in later._counts.items():
            self._counts[endpoint].update(counts)

    def data(self) -> dict[str, Any]:
        """Return the counts by endpoint; ids are texts, as the keys of JSON are."""
        return {"webhooks": {str(endpoint): dict(counts) for endpoint, counts in self._counts.items()}}


def counts_of(attempts: Iterable[Attempt]) -> Counter[str]:
    """Count tries that succeeded and that failed."""
    return Counter("succeeded" if 200 <= (each.status_code or 0) < 300 else "failed" for each in attempts)


def tell(attempts: Sequence[Attempt]) -> None:
    """Tell those who look now of tries that were written down; `delivery` is loaded with each. Never raises."""
    try:
        _tell(attempts)
    except Exception:
        logger.exception("Nobody was told of %s tries.", len(attempts))


def _tell(attempts: Sequence[Attempt]) -> None:
    by_endpoint: defaultdict[int, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        by_endpoint[attempt.delivery.endpoint_id].append(attempt)
    for endpoint, tried in by_endpoint.items():
        notices.tell(f"webhooks.{endpoint}", EndpointNews(tried))
    if by_endpoint:
        notices.tell("operations", Summary({endpoint: counts_of(tried) for endpoint, tried in by_endpoint.items()}))
