"""Webhooks for operators: endpoints, deliveries with every attempt, replays."""

from webhooks.admin import deliveries, endpoints, replays

__all__ = ["deliveries", "endpoints", "replays"]
