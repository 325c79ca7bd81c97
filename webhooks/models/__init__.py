"""Endpoints, what is to be delivered to them, every try, and what is sent anew."""

from webhooks.models.attempt import Attempt
from webhooks.models.delivery import Delivery, DeliveryQuerySet, retention_ends
from webhooks.models.endpoint import Endpoint, EndpointQuerySet, RetiredSecret, everything
from webhooks.models.replay import Replay

__all__ = [
    "Attempt",
    "Delivery",
    "DeliveryQuerySet",
    "Endpoint",
    "EndpointQuerySet",
    "Replay",
    "RetiredSecret",
    "everything",
    "retention_ends",
]
