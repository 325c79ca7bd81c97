"""From an event to deliveries: one row for each endpoint that wants the event and whose owner may read it."""

from django.contrib.auth.models import AnonymousUser

from events import catalogue
from events.models import Event
from webhooks.models import Delivery, Endpoint


def fan_out(event: Event) -> int:
    """Make the deliveries of an event that are not there yet; return how many endpoints want it."""
    endpoints = list(Endpoint.objects.listening_to(event).select_related("owner"))
    readers = _readers(event.topic, endpoints)
    allowed = [endpoint for endpoint in endpoints if endpoint.owner_id in readers]
    Delivery.objects.bulk_create(
        [
            Delivery(endpoint=endpoint, event_id=event.event_id, event_type=event.type, position=event.position)
            for endpoint in allowed
        ],
        ignore_conflicts=True,
    )
    return len(allowed)


def _readers(topic: str, endpoints: list[Endpoint]) -> set[int]:
    """Return the ids of the owners who may read the topic now."""
    owners = {endpoint.owner_id: endpoint.owner for endpoint in endpoints if endpoint.owner.is_active}
    if owners and catalogue.readable(AnonymousUser(), [topic]):
        return set(owners)
    return {pk for pk, owner in owners.items() if catalogue.readable(owner, [topic])}
