"""How an endpoint is, in one word: the worst that is true of it."""

from datetime import datetime

from django.utils import timezone

from webhooks.models import Endpoint

OFF, PAUSED, POSTPONED, FAILING, ON = "off", "paused", "postponed", "failing", "on"


def state_of(endpoint: Endpoint, now: datetime | None = None) -> str:
    """Return the word; which sentence goes with it the templates say."""
    if endpoint.disabled_reason:
        return OFF
    if not endpoint.enabled:
        return PAUSED
    if endpoint.postponed_until and endpoint.postponed_until > (now or timezone.now()):
        return POSTPONED
    return FAILING if endpoint.failing_since else ON


def with_state(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with its state, for templates."""
    endpoint.state = state_of(endpoint)  # type: ignore[attr-defined]
    return endpoint
