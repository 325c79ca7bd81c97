"""The request that carries an event to an endpoint: its body, and headers signed for the moment of a try."""

from collections.abc import Mapping
from datetime import datetime

from events import log
from events.encoding import encode
from events.models import Event
from webhooks import signing
from webhooks.models import Endpoint


def body_of(event: Event, epoch: str) -> bytes:
    """Return the event as every endpoint gets it, the same bytes at each try."""
    return encode(log.as_cloud_event(event, epoch)).encode()


def headers(endpoint: Endpoint, event_id: str, body: bytes, number: int, now: datetime) -> dict[str, str]:
    """Return the headers of try `number`, signed for this moment."""
    seconds = int(now.timestamp())
    return {
        "content-type": endpoint.content_type,
        "webhook-id": event_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": signing.sign(event_id, seconds, body, endpoint.signing_keys(now)),
        "tidewire-attempt": str(number),
    }


def stored_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a try as they may be kept and shown."""
    return dict(headers)
