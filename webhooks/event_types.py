"""What `webhooks` says, on the topic of an endpoint's owner."""

from events.catalogue import event_type
from events.payloads import ID, fields, text

# Made on request and delivered to that endpoint alone, whatever it listens to.
ENDPOINT_TESTED = event_type(
    "webhooks.endpoint.tested",
    "The owner of an endpoint sends it a test.",
    fields(endpoint=fields(id=ID, url=text(2000), description=text(500))),
)
