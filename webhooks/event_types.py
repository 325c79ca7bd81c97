"""What the webhooks say: events on the topic of an endpoint's owner, and notices of attempts to those who look now."""

from events.catalogue import event_type, topic_kind
from events.payloads import ID, TIME, fields, optional, text
from webhooks.models import Endpoint


def _owner_and_operators(user, ids):
    numbers = {each for each in ids if each.isascii() and each.isdigit() and len(each) < 19}
    if user.is_staff and user.has_perm("webhooks.view_delivery"):
        return numbers
    if not numbers or not user.is_authenticated:
        return []
    own = Endpoint.objects.filter(owner_id=user.pk, pk__in=numbers).values_list("pk", flat=True)
    return [str(pk) for pk in own]


ENDPOINT = topic_kind(
    "webhooks.{id}",
    "What is delivered to an endpoint, for its owner and operators; only for those here now.",
    _owner_and_operators,
    has_notices=True,
)

_ENDPOINT = {"id": ID, "url": text(2000), "description": text(500)}

# Made on request and delivered to that endpoint alone, whatever it listens to.
ENDPOINT_TESTED = event_type(
    "webhooks.endpoint.tested",
    "The owner of an endpoint sends it a test.",
    fields(endpoint=fields(**_ENDPOINT)),
)
ENDPOINT_FAILING = event_type(
    "webhooks.endpoint.failing",
    "Every try to send to one of the user's endpoints has failed for long; soon it will be switched off.",
    fields(endpoint=fields(**_ENDPOINT, failing_since=optional(TIME))),
)
ENDPOINT_DISABLED = event_type(
    "webhooks.endpoint.disabled",
    "One of the user's endpoints was switched off: it had failed for too long, or its receiver asked for it.",
    fields(endpoint=fields(**_ENDPOINT, disabled_reason=text(200))),
)
