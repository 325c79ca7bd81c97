"""Endpoints, what is to be delivered to them, every try, and what is sent anew."""

from webhooks.models.attempt import Attempt
from webhooks.models.delivery import Delivery, DeliveryQuerySet, retention_ends
from webhooks.models.endpoint import Endpoint, RetiredSecret, everything
from webhooks.models.replay import Replay
from webhooks.models.revision import EndpointRevision

__all__ = [
    "Attempt",
    "Delivery",
    "DeliveryQuerySet",
    "Endpoint",
    "EndpointRevision",
    "Replay",
    "RetiredSecret",
    "everything",
    "retention_ends",
]
