"""What `webhooks` says, on the topic of an endpoint's owner."""

from events.catalogue import event_type
from events.payloads import ID, TIME, fields, optional, text

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
